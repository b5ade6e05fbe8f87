"""A connector tests itself: reach, TLS and credentials of its broker, and each tag with its last value."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from aiomqtt.exceptions import MqttConnectError

from woaas_api.ingest.connection import UNREACHABLE, BrokerClient, connected, reach, why
from woaas_api.ingest.follower import Workplace
from woaas_api.ingest.json_messages import readings_of
from woaas_api.ingest.sparkplug import SparkplugHost, restored
from woaas_api.ingest.sparkplug_payload import rebirth
from woaas_api.ingest.topic_map import SPARKPLUG, TopicMap
from woaas_core.db.statements import Row
from woaas_core.errors import DomainError
from woaas_solver_farm.schedules.queue import INQUIRY_ANSWERED
from woaas_work_orders.connectors import repository, service
from woaas_work_orders.connectors.readings import Reading, check, kept
from woaas_work_orders.resources import repository as master_data

LISTEN_S = 1.0
_STEPS = ("reach", "tls", "credentials")
_REFUSED = 0x80


async def self_test(place: Workplace, tenant_id: UUID, connector_id: UUID, test_id: str) -> None:
    """Do a self-test that was asked for, and tell whoever waits for it."""
    async with place.database.unit_of_work() as uow:
        await place.authenticator.as_system(uow, tenant_id, "connectors")
        connector = await repository.find_by_id(uow, connector_id)
        assert connector is not None, "a connector is never deleted"
        known = await repository.tags(uow, connector_id, [tag["tag"] for tag in connector["tags"]])
        nodes = restored(await repository.nodes(uow, connector_id))
        centers = {row["code"] for row in await master_data.in_use(uow, "work_center")}
    topics = TopicMap(connector)
    probe = _Probe(topics, SparkplugHost(topics, nodes))
    broker = await probe.listen(place, connector)
    now = place.database.clock.now()
    longest = service.silent_after(connector)
    tags = []
    for tag in connector["tags"]:
        found = _Last.of(probe.heard.get(tag["tag"]), known.get(tag["tag"]), now)
        reason = found.error or ("never_seen" if found.seen_at is None else None)
        if reason is None and longest is not None and found.seen_at is not None and now - found.seen_at > longest:
            reason = "silent"
        if tag["work_center"] is not None and tag["work_center"] not in centers:
            reason = f"there is no work center {tag['work_center']}"
        tags.append(
            {
                "tag": tag["tag"],
                "result": "failed" if reason else "passed",
                "reason": reason,
                "value": found.value,
                "seen_at": msgspec.to_builtins(found.seen_at),
                "measured_at": msgspec.to_builtins(found.measured_at),
            }
        )
    is_good = all(broker[step] != "failed" for step in _STEPS) and all(tag["result"] == "passed" for tag in tags)
    async with place.database.unit_of_work() as uow:
        await place.authenticator.as_system(uow, tenant_id, f"connector {connector['code']}")
        verdict = {"result": "passed" if is_good else "failed", "broker": broker, "tags": tags}
        await service.finish_test(uow, connector_id, test_id, verdict)
        await repository.tell(uow, INQUIRY_ANSWERED, test_id)


class _Last(msgspec.Struct):
    """What is known of a tag."""

    value: Any = None
    seen_at: datetime | None = None
    measured_at: datetime | None = None
    error: str | None = None

    @classmethod
    def of(cls, heard: Reading | None, known: Row | None, now: datetime) -> "_Last":
        """What was heard right now; else what was kept."""
        if heard is None:
            return cls() if known is None else cls(
                known["value"], known["seen_at"], known["measured_at"], known["error"]
            )  # fmt: skip
        error = None
        try:
            check(heard)
        except DomainError as refused:
            error = refused.detail
        return cls(kept(heard.value), now, heard.measured_at, error)


class _Probe:
    """A second connection that listens for a moment and changes nothing."""

    def __init__(self, topics: TopicMap, host: SparkplugHost) -> None:
        self._topics = topics
        self._host = host
        self.heard: dict[str, Reading] = {}

    async def listen(self, place: Workplace, connector: Any) -> dict[str, str | None]:
        """How far connecting came; what is heard stays in ``heard``."""
        uses_tls = connector["broker"] is not None and connector["broker"]["tls"]
        verdict: dict[str, str | None] = {step: "passed" for step in _STEPS} | {"error": None}
        verdict["tls"] = "passed" if uses_tls else "not_used"
        step = "reach"
        try:
            await reach(place.settings, connector)
            step = "tls" if uses_tls else "reach"
            async with connected(place.settings, connector, probe=True) as client:
                wanted = self._topics.subscriptions
                codes = await client.subscribe([(topic, 1) for topic in wanted]) if wanted else ()
                refused = [topic for topic, code in zip(wanted, codes, strict=False) if _value(code) >= _REFUSED]
                if refused:
                    verdict |= {"credentials": "failed", "error": f"not allowed to subscribe to {refused[0]}"}
                for name in self._host.unheard:
                    group, node = name.split("/")
                    await client.publish(f"{SPARKPLUG}/{group}/NCMD/{node}", rebirth(place.database.clock.now()))
                await self._hear(client)
        except UNREACHABLE as error:
            step = "credentials" if isinstance(error, MqttConnectError) else step
            later = _STEPS[_STEPS.index(step) + 1 :]
            verdict |= {name: "unknown" for name in later if verdict[name] == "passed"}
            verdict |= {step: "failed", "error": why(error)}
        return verdict

    async def _hear(self, client: BrokerClient) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_S):
                async for message in client.messages:
                    topic, payload = str(message.topic), bytes(message.payload)
                    client.acknowledge(message)
                    with suppress(DomainError):
                        told = (
                            self._host.hear(topic, payload).told
                            if self._topics.is_sparkplug
                            else readings_of(self._topics.tags(topic), topic, payload)
                        )
                        self.heard |= {one.tag["tag"]: one for one in told if isinstance(one, Reading)}


def _value(code: Any) -> int:
    return int(getattr(code, "value", code))
