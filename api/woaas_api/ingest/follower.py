"""Follows one connector: what its broker says is taken in, and only then acknowledged."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from aiomqtt import Message

from woaas_api.ingest.connection import UNREACHABLE, BrokerClient, connected, why
from woaas_api.ingest.json_messages import readings_of
from woaas_api.ingest.sparkplug import Heard, SparkplugHost, restored, stored
from woaas_api.ingest.sparkplug_payload import rebirth
from woaas_api.ingest.topic_map import SPARKPLUG, TopicMap
from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.errors import DomainError
from woaas_core.ids import encode_id
from woaas_core.settings import Settings
from woaas_core.telemetry import logger
from woaas_security.identity.service import Authenticator
from woaas_work_orders.connectors import events, repository
from woaas_work_orders.connectors.intake import Intake, mark_silent
from woaas_work_orders.connectors.service import silent_after

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
_MOST_AT_ONCE = 100
_ASK_AGAIN_S = 10.0
_LOOK_FOR_SILENCE_S = 5.0


class Workplace(NamedTuple):
    """What the followers of a process share."""

    settings: Settings
    database: Database
    authenticator: Authenticator


class Follower:
    """Keeps a connection to one connector's broker and takes in what comes, in order."""

    def __init__(self, place: Workplace, tenant_id: UUID, connector_id: UUID) -> None:
        self._place = place
        self._tenant_id = tenant_id
        self._connector_id = connector_id
        self._connector: Any = None
        self._topics: TopicMap
        self._host: SparkplugHost
        self._asked_at_s: dict[str, float] = {}

    async def run(self) -> None:
        """Follow until cancelled; a broker or a database that is away is tried again, ever more seldom."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._load()
                async with connected(self._place.settings, self._connector) as client:
                    pause_s = FIRST_PAUSE_S
                    await self._follow(client)
            except* UNREACHABLE as group:
                await self._note("failed", why(_first(group)))
            except* DATABASE_LOST as group:
                log.warning("api.ingest.database_lost", error=str(_first(group)))
            except* Exception as group:
                log.exception("api.ingest.failed", connector_id=str(self._connector_id), exc_info=group)
                await self._note("failed", "internal: the server's log says why")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _load(self) -> None:
        async with self._place.database.unit_of_work() as uow:
            await self._enter(uow)
            row = await repository.find_by_id(uow, self._connector_id)
            assert row is not None, "a connector is never deleted"
            self._connector, self._topics = row, TopicMap(row)
            self._host = SparkplugHost(self._topics, restored(await repository.nodes(uow, self._connector_id)))

    async def _follow(self, client: BrokerClient) -> None:
        if topics := self._topics.subscriptions:
            await client.subscribe([(topic, 1) for topic in topics])
        await self._note("connected", None)
        await self._ask_for_rebirth(client, self._host.unheard)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_for_silence())
            while True:
                await self._take_in(client, await _next_messages(client))

    async def _take_in(self, client: BrokerClient, messages: Sequence[Message]) -> None:
        heard, refused = Heard(), list[tuple[str, DomainError]]()
        for message in messages:
            try:
                heard.join(self._read(message))
            except DomainError as error:
                refused.append((str(message.topic), error))
        async with self._place.database.unit_of_work() as uow:
            principal = await self._place.authenticator.as_system(uow, self._tenant_id, self._name)
            intake = Intake(uow, principal, self._connector)
            for topic, refusal_of_it in refused:
                intake.tally.fail(topic, refusal_of_it)
            await intake.take(heard.told)
            await self._keep_nodes(uow, heard)
            await intake.close(received=len(messages))
        for message in messages:
            client.acknowledge(message)
        await self._ask_for_rebirth(client, heard.unsure)

    def _read(self, message: Message) -> Heard:
        topic, payload = str(message.topic), bytes(message.payload)
        if self._topics.is_sparkplug:
            return self._host.hear(topic, payload)
        tags = self._topics.tags(topic)
        return Heard([*readings_of(tags, topic, payload, is_retained=message.retain)])

    async def _keep_nodes(self, uow: "UnitOfWork", heard: Heard) -> None:
        nodes = self._host.nodes
        if heard.born:
            rows = [stored(name, nodes[name]) for name in sorted(heard.born)]
            await repository.put_nodes(uow, self._connector_id, rows)
        if moved := heard.moved - heard.born:
            rows = [stored(name, nodes[name]) for name in sorted(moved)]
            await repository.touch_nodes(uow, self._connector_id, rows)

    async def _ask_for_rebirth(self, client: BrokerClient, nodes: set[str]) -> None:
        now_s = asyncio.get_running_loop().time()
        for name in sorted(nodes):
            if now_s - self._asked_at_s.get(name, -_ASK_AGAIN_S) >= _ASK_AGAIN_S:
                self._asked_at_s[name] = now_s
                group, node = name.split("/")
                await client.publish(f"{SPARKPLUG}/{group}/NCMD/{node}", rebirth(self._place.database.clock.now()))

    async def _look_for_silence(self) -> None:
        longest = silent_after(self._connector)
        if longest is None:
            return
        while True:
            await asyncio.sleep(min(longest.total_seconds() / 4, _LOOK_FOR_SILENCE_S))
            async with self._place.database.unit_of_work() as uow:
                await self._enter(uow)
                await mark_silent(uow, self._connector)

    async def _note(self, status: str, error: str | None) -> None:
        """Say how the connection stands, once for each change."""
        try:
            async with self._place.database.unit_of_work() as uow:
                await self._enter(uow)
                if not await repository.set_status(uow, self._connector_id, status, error):
                    return
                kind = events.CONNECTOR_CONNECTED if status == "connected" else events.CONNECTOR_LOST
                uow.record(kind, subject=encode_id("con", self._connector_id), data={"code": self._connector["code"]})
        except DATABASE_LOST as lost:
            log.warning("api.ingest.database_lost", error=str(lost))
        log.info("api.ingest.status", connector_id=str(self._connector_id), status=status, error=error)

    async def _enter(self, uow: "UnitOfWork") -> None:
        await self._place.authenticator.as_system(uow, self._tenant_id, self._name)

    @property
    def _name(self) -> str:
        return "connectors" if self._connector is None else f"connector {self._connector['code']}"


async def _next_messages(client: BrokerClient) -> list[Message]:
    """The next message, and what has come with it."""
    coming = aiter(client.messages)
    found = [await anext(coming)]
    while len(client.messages) and len(found) < _MOST_AT_ONCE:
        found.append(await anext(coming))
    return found


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
