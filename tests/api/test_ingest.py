"""Machine data through a real broker: states and reports, each once, and never against what a person said."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fixtures.app import World
from fixtures.brokers import Plant, ingesting, needs_mosquitto, until
from fixtures.database import fetch
from fixtures.killable import Killable
from fixtures.sparkplug import metric, payload

from woaas_api.ingest.sparkplug_payload import decode

pytestmark = [pytest.mark.anyio, needs_mosquitto]
STATE = {"tag": "state", "topic": "m1/state", "work_center": "m1", "means": "state", "states": {"RUN": "up"}}
REPORT = {"tag": "report", "topic": "m1/report", "work_center": "m1", "means": "report"}
GOOD = {"tag": "good", "topic": "m1/count", "metric": "good", "work_center": "m1", "means": "good"}


def at(seconds: float) -> str:
    """An instant of this morning."""
    return (datetime(2026, 11, 20, 8, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


async def say(plant: Plant, *messages: tuple[str, Any]) -> None:
    """Publish as the plant does, and wait until the broker has it."""
    async with plant.gateway() as gateway:
        for topic, message in messages:
            raw = message if isinstance(message, bytes | str) else json.dumps(message)
            await gateway.publish(topic, raw, qos=1)


async def heard(plant: Plant, n: int) -> dict[str, Any]:
    """Wait until a connector has taken in so many messages; what it says then."""

    async def claim() -> bool:
        return bool((await plant.get("/v1/connectors/hall"))["received"] >= n)

    await until(claim, f"{n} messages")
    return dict(await plant.get("/v1/connectors/hall"))


async def test_messages_become_states_and_reports_once(world: World, plant: Plant) -> None:
    await plant.work_center("m1")
    operation = await plant.running_operation("m1")
    async with ingesting(world):
        await plant.put("hall", tags=[STATE, REPORT, GOOD])
        await plant.connected("hall")
        done = {"id": "r1", "good": 8, "scrap": 0.5, "started_at": at(0), "ended_at": at(60)}
        await say(plant, ("m1/state", "down"), ("m1/report", done), ("m1/report", done))
        shown = await heard(plant, 3)
        assert await plant.state("m1") == "down"
        await say(
            plant,
            ("m1/state", "RUN"),
            *[("m1/count", {"good": n, "at": at(s)}) for n, s in ((100, 100), (103, 110), (103, 110), (100, 100))],
            # The counter begins anew.
            ("m1/count", {"good": 2, "at": at(120)}),
            ("m1/state", "grinding"),
            ("m1/report", {"good": 1}),
        )
        shown = await heard(plant, 11)
    assert await plant.state("m1") == "up"
    reports = await plant.reports(operation)
    assert sorted((r["good"], r["scrap"], r["connector"]) for r in reports) == [
        ("2", "0", "hall"),
        ("3", "0", "hall"),
        ("8", "0.5", "hall"),
    ]
    assert (await plant.get(f"/v1/operations/{operation}"))["good"] == "13"
    assert (shown["applied"], shown["failed"], shown["withheld"]) == (5, 2, 0)
    assert "'id' or 'at'" in shown["last_error"]
    changes = [data for _, data in await plant.events("work_center.changed") if "connector" in data]
    assert [c["connector"] for c in changes] == ["hall", "hall"]


async def test_what_a_person_said_stands(world: World, plant: Plant) -> None:
    await plant.work_center("m1", state="maintenance")
    await plant.work_center("m2")
    operation = await plant.running_operation("m1")
    by_hand = {"kind": "run", "good": "5", "started_at": at(0), "ended_at": at(100)}
    await plant.post(f"/v1/operations/{operation}/reports", by_hand)
    async with ingesting(world):
        await plant.put(
            "hall", tags=[STATE, REPORT, {**REPORT, "tag": "other", "topic": "m2/report", "work_center": "m2"}]
        )
        await plant.connected("hall")
        same_time = {"id": "a", "good": 5, "started_at": at(50), "ended_at": at(90)}
        nobody = {"id": "a", "good": 1, "at": at(60)}
        await say(
            plant, ("m1/state", "up"), ("m1/state", "up"), *[("m1/report", same_time)] * 2, *[("m2/report", nobody)] * 2
        )
        shown = await heard(plant, 6)
        assert await plant.state("m1") == "maintenance"
        assert (shown["applied"], shown["withheld"], shown["failed"]) == (0, 3, 0)
        # Taken back by the person; from here on it is the machine's to say.
        await plant.work_center("m1", state="up")
        await say(
            plant,
            ("m1/state", "down"),
            ("m1/report", {**same_time, "id": "b", "started_at": at(100), "ended_at": at(120)}),
        )
        await heard(plant, 8)
    assert await plant.state("m1") == "down"
    assert {(r["good"], r["connector"]) for r in await plant.reports(operation)} == {("5", None), ("5", "hall")}
    ((_, disagreed),) = await plant.events("connector.state_withheld")
    # Who does not read the state does not hear what the machine says of it either.
    assert (disagreed["claimed"], disagreed["fields"]) == ("up", ["state"])
    assert len(await plant.events("connector.report_withheld")) == 1
    ((_, unassigned),) = await plant.events("connector.report_unassigned")
    assert (unassigned["good"], unassigned["work_center"]) == ("1", "m2")


async def test_a_silent_machine_is_stale_until_it_speaks(world: World, plant: Plant) -> None:
    await plant.work_center("m1")
    heat = {"tag": "heat", "topic": "m1/heat", "work_center": "m1"}
    async with ingesting(world):
        await plant.put("hall", stale_after="PT1S", tags=[STATE, heat])
        await plant.connected("hall")
        await say(plant, ("m1/state", "RUN"))
        await until(lambda: is_state(plant, "m1", "stale"), "stale")
        await say(plant, ("m1/heat", 81.5))
        await until(lambda: is_state(plant, "m1", "up"), "up again")


async def is_state(plant: Plant, code: str, state: str) -> bool:
    return await plant.state(code) == state


async def test_sparkplug_births_data_and_deaths(world: World, plant: Plant) -> None:
    await plant.work_center("m1")
    operation = await plant.running_operation("m1")
    node, device = "spBv1.0/hall/{}/edge", "spBv1.0/hall/{}/edge/press"
    where = {"topic": "hall/edge/press", "work_center": "m1"}
    tags = [
        {"tag": "state", "metric": "State", "means": "state", "states": {"2": "down", "-1": "up"}, **where},
        {"tag": "good", "metric": "Parts", "means": "good", **where},
    ]
    asked: list[str] = []
    async with ingesting(world), plant.gateway() as listener:
        await listener.subscribe("spBv1.0/hall/NCMD/#", qos=1)

        async def listen() -> None:
            async for message in listener.messages:
                asked.extend(str(m.name) for m in decode(bytes(message.payload)).metrics)

        listening = asyncio.ensure_future(listen())
        await plant.put("hall", sparkplug=True, tags=tags)
        await plant.connected("hall")

        async def was_asked() -> bool:
            return asked == ["Node Control/Rebirth"]

        await until(was_asked, "a birth is asked for")
        born = [metric("State", 1, 0xFF, alias=1), metric("Parts", 8, 10, alias=2)]
        await say(
            plant,
            (node.format("NBIRTH"), payload(1_000, [metric("bdSeq", 8, 7)], seq=0)),
            (device.format("DBIRTH"), payload(1_000, born, seq=1)),
            (device.format("DDATA"), payload(2_000, [metric(None, None, 13, alias=2)], seq=2)),
            (device.format("DDATA"), payload(2_000, [metric(None, None, 13, alias=2)], seq=2)),
            (device.format("DDATA"), payload(3_000, [metric(None, None, 2, alias=1, historical=True)], seq=3)),
        )
        await heard(plant, 5)
        assert await plant.state("m1") in (None, "up")
        assert [r["good"] for r in await plant.reports(operation)] == ["3"]
        await say(plant, (device.format("DDATA"), payload(5_000, [metric(None, None, 2, alias=1)], seq=9)))
        await until(lambda: is_state(plant, "m1", "down"), "a gap loses nothing that came")
        await say(plant, (device.format("DDATA"), payload(6_000, [metric(None, None, 0xFFFFFFFF, alias=1)], seq=10)))
        await until(lambda: is_state(plant, "m1", "up"), "up")
        await say(plant, (node.format("NDEATH"), payload(0, [metric("bdSeq", 8, 6)])))
        await heard(plant, 8)
        assert await plant.state("m1") == "up"
        await say(plant, (node.format("NDEATH"), payload(0, [metric("bdSeq", 8, 7)])))
        await until(lambda: is_state(plant, "m1", "stale"), "the node is gone")
        listening.cancel()


@pytest.mark.slow
async def test_ingest_killed_at_any_moment_loses_and_doubles_nothing(
    world: World, plant: Plant, killable: Killable
) -> None:
    await plant.work_center("m1")
    operation = await plant.running_operation("m1")
    process = killable.start("ingest", WOAAS_OUTBOUND_NETWORKS="127.0.0.0/8")
    await plant.put("hall", tags=[REPORT])
    await plant.connected("hall")
    sent, stop = 0, asyncio.Event()

    async def speak() -> None:
        nonlocal sent
        async with plant.gateway() as gateway:
            while not stop.is_set():
                await gateway.publish("m1/report", json.dumps({"id": f"r{sent}", "good": 1, "at": at(sent)}), qos=1)
                sent += 1
                await asyncio.sleep(0.02)

    speaking = asyncio.ensure_future(speak())
    for _ in range(2):
        # Inside of a transaction that has written reports and is about to end: taken in, and not acknowledged.
        await killable.kill_in_the_middle(process, "reports", "connector_tags")
        process = killable.start("ingest", WOAAS_OUTBOUND_NETWORKS="127.0.0.0/8")
    stop.set()
    await speaking

    async def all_there() -> bool:
        return bool((await plant.get(f"/v1/operations/{operation}"))["good"] == str(sent))

    await until(all_there, "everything the broker has accepted")
    query = "SELECT count(*), count(DISTINCT external_ref) FROM reports"
    assert await asyncio.to_thread(fetch, killable.dsn, query) == [(sent, sent)]
