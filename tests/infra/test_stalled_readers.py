"""What an operator does about a reader that has given up: see it, let it try again, pass over the event."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fixtures.app import Tenant, World

from woaas_core.db.statements import Statement
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.events.envelope import event_type
from woaas_core.events.readers import MAX_ATTEMPTS, LoggedEvent, Reader
from woaas_core.ids import encode_id, uuid7
from woaas_infra.errors import CannotStart
from woaas_infra.processes.reader import Follower
from woaas_infra.stalls import Desk

pytestmark = pytest.mark.anyio
NOTED = event_type("test_thing.noted", "A test noted a thing.")
RETRY_NOW = Statement.text("UPDATE reader_cursor SET retry_at = NULL")
GIVE_UP = Statement.text(
    "INSERT INTO reader_cursor (tenant_id, reader, next_index, attempts, error) "
    "VALUES (app_tenant(), $1, 0, 5, 'ValueError: no such thing')",
    "reader",
)


class Hand:
    """A reader's handler that fails on what it is told to, and what it did."""

    def __init__(self) -> None:
        self.broken: set[str] = set()
        self.done: list[tuple[str, str]] = []

    def reader(self, name: str = "careful", *, may_skip: bool = True) -> Reader:
        async def handle(uow: UnitOfWork, event: LoggedEvent) -> None:
            if event.subject in self.broken:
                raise ValueError(event.subject)
            met = (encode_id("ten", uow.tenant), event.subject)
            # A batch that fails is met again from its start; what is rolled back with it is no matter of this test.
            if met not in self.done:
                self.done.append(met)

        return Reader(name=name, types=frozenset({NOTED.name}), handle=handle, may_skip=may_skip)


@pytest.fixture
def hand() -> Hand:
    return Hand()


async def note(tenant: Tenant, *subjects: str) -> None:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        for subject in subjects:
            uow.record(NOTED, subject=subject, work_order_id=uuid7())
    while (await tenant.world.sequencer.step()).sequenced:
        pass


async def execute(tenant: Tenant, statement: Statement, **values: object) -> None:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        await uow.execute(statement, **values)


async def follow(reader: Reader, *tenants: Tenant) -> None:
    """Let the reader do what it can, until it is at the end or has given up everywhere."""
    follower = Follower(tenants[0].world.db, tenants[0].world.settings)
    for _ in range(3 * MAX_ATTEMPTS):
        await follower.catch_up(reader)
        for tenant in tenants:
            await execute(tenant, RETRY_NOW)


async def entries(tenant: Tenant, kind: str) -> list[dict[str, Any]]:
    """The tenant's audit entries of a type."""
    while (await tenant.world.sequencer.step()).sequenced:
        pass
    async with tenant.client() as client:
        found: list[dict[str, Any]] = (await client.get(f"/v1/audit/entries?type={kind}")).json()["data"]
    return found


def desk(world: World, *readers: Reader) -> Desk:
    return Desk(world.db, world.settings, readers)


class TestStatus:
    async def test_it_says_where_a_reader_gave_up_and_why(self, world: World, factory: Tenant, hand: Hand) -> None:
        fine, reader = await world.tenant("Fine"), hand.reader()
        hand.broken = {"bad"}
        await note(factory, "good", "bad", "later")
        await note(fine, "good")
        await follow(reader, factory, fine)
        await note(fine, "fresh")
        (state,) = await desk(world, reader).status()
        assert (state.reader, state.behind, state.tenants_behind) == ("careful", 3, 2)
        (stall,) = state.stalled
        assert (stall.tenant, stall.type, stall.attempts) == (encode_id("ten", factory.id), NOTED.name, MAX_ATTEMPTS)
        assert stall.error == "ValueError: bad"
        entry = next(e for e in await entries(factory, NOTED.name) if e["subject"] == "bad")
        assert (stall.event, stall.index) == (entry["id"], entry["index"])

    async def test_readiness_tells_of_it_and_names_the_command(self, factory: Tenant) -> None:
        await note(factory, "x")
        async with factory.client() as client:
            assert (await client.get("/readyz")).status_code == 200
            await execute(factory, GIVE_UP, reader="metering")
            answer = await client.get("/readyz")
        assert answer.status_code == 503
        (reason,) = answer.json()["reasons"]
        assert reason["part"] == "readers"
        assert "woaas-server reader status" in reason["detail"]
        assert str(factory.id) not in answer.text


class TestRetry:
    async def test_a_mended_reader_goes_on_where_it_stood_and_the_log_says_so(
        self, world: World, factory: Tenant, hand: Hand
    ) -> None:
        reader, mine = hand.reader(), encode_id("ten", factory.id)
        hand.broken = {"bad"}
        await note(factory, "good", "bad", "later")
        await follow(reader, factory)
        hand.broken = set()
        await follow(reader, factory)
        assert hand.done == [(mine, "good")], "it waits for a person"
        (stall,) = await desk(world, reader).retry("careful", mine)
        await follow(reader, factory)
        assert hand.done == [(mine, s) for s in ("good", "bad", "later")]
        (entry,) = await entries(factory, "reader.retried")
        assert (entry["subject"], entry["actor"]["id"]) == (stall.event, "operator")
        assert entry["data"] == {"reader": "careful", "index": stall.index, "type": NOTED.name}
        with pytest.raises(CannotStart, match="has not given up"):
            await desk(world, reader).retry("careful", mine)
        assert len(await entries(factory, "reader.retried")) == 1

    async def test_without_a_tenant_it_is_every_one_that_is_stalled(
        self, world: World, factory: Tenant, hand: Hand
    ) -> None:
        other, fine, reader = await world.tenant("Other"), await world.tenant("Fine"), hand.reader()
        hand.broken = {"bad"}
        for tenant in (factory, other):
            await note(tenant, "bad")
        await note(fine, "good")
        await follow(reader, factory, other, fine)
        hand.broken = set()
        retried = await desk(world, reader).retry("careful", None)
        assert {s.tenant for s in retried} == {encode_id("ten", t.id) for t in (factory, other)}
        await follow(reader, factory, other, fine)
        assert len(hand.done) == 3
        assert [len(await entries(t, "reader.retried")) for t in (factory, other, fine)] == [1, 1, 0]

    async def test_one_that_fails_again_stalls_again(self, world: World, factory: Tenant, hand: Hand) -> None:
        reader = hand.reader()
        hand.broken = {"bad"}
        await note(factory, "bad")
        for _ in range(2):
            await follow(reader, factory)
            assert len(await desk(world, reader).retry("careful", None)) == 1
        assert hand.done == []


class TestSkip:
    async def test_one_event_is_passed_over_with_a_reason_in_the_log(
        self, world: World, factory: Tenant, hand: Hand
    ) -> None:
        other, reader = await world.tenant("Other"), hand.reader()
        mine = encode_id("ten", factory.id)
        hand.broken = {"bad", "worse"}
        for tenant in (factory, other):
            await note(tenant, "bad", "worse", "good")
        await follow(reader, factory, other)
        first = await desk(world, reader).skip("careful", mine, "cannot be read")
        await follow(reader, factory, other)
        assert hand.done == [], "the next bad one is another decision"
        second = await desk(world, reader).skip("careful", mine, "nor this")
        await follow(reader, factory, other)
        assert hand.done == [(mine, "good")], "the other tenant still waits"
        skipped = await entries(factory, "reader.skipped")
        assert [(e["subject"], e["reason"]) for e in reversed(skipped)] == [
            (first.event, "cannot be read"),
            (second.event, "nor this"),
        ]
        assert all(e["work_order"] for e in skipped)
        assert await entries(other, "reader.skipped") == []

    async def test_two_operators_at_once_skip_one_event(self, world: World, factory: Tenant, hand: Hand) -> None:
        reader, mine = hand.reader(), encode_id("ten", factory.id)
        hand.broken = {"bad"}
        await note(factory, "bad", "good")
        await follow(reader, factory)
        at_once = [desk(world, reader).skip("careful", mine, "twice") for _ in range(4)]
        outcomes = await asyncio.gather(*at_once, return_exceptions=True)
        assert sorted(type(o).__name__ for o in outcomes) == ["CannotStart"] * 3 + ["StallView"]
        await follow(reader, factory)
        assert hand.done == [(mine, "good")]

    async def test_what_may_not_be_skipped_is_not(self, world: World, factory: Tenant, hand: Hand) -> None:
        paid, mine = hand.reader("paid", may_skip=False), encode_id("ten", factory.id)
        hand.broken = {"bad"}
        await note(factory, "bad")
        await follow(paid, factory)
        for name, tenant, reason, said in (
            ("paid", mine, "r", "must not skip"),
            ("careful", mine, " ", "--reason"),
            ("none such", mine, "r", "choose from paid, careful"),
            ("careful", mine, "r", "has not given up"),
            ("careful", encode_id("ten", uuid7()), "r", "no tenant"),
            ("careful", "factory", "r", "no tenant"),
        ):
            with pytest.raises(CannotStart, match=said):
                await desk(world, paid, hand.reader()).skip(name, tenant, reason)
        assert await entries(factory, "reader.skipped") == []
        assert len((await desk(world, paid).status())[0].stalled) == 1


class TestCatalogue:
    def test_the_api_lists_what_only_the_command_records(self) -> None:
        code = "import woaas_api.app as a; from woaas_core.events import envelope as e; print(*dict(e.event_types()))"
        listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert {"reader.retried", "reader.skipped"} <= set(listed)


class TestCommand:
    async def test_status_retry_and_skip_from_the_shell(self, world: World, factory: Tenant, tmp_path: Path) -> None:
        await note(factory, "x")
        mine = encode_id("ten", factory.id)

        def run(*words: str, code: int = 0) -> str:
            command = [str(Path(sys.executable).with_name("woaas-server")), "reader", *words, "--home", str(tmp_path)]
            env = {**os.environ, "WOAAS_DATABASE_URL": world.settings.database_url}
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=240)
            assert done.returncode == code, done.stderr
            return done.stdout or done.stderr

        await execute(factory, GIVE_UP, reader="metering")
        await execute(factory, GIVE_UP, reader="allowance")
        states = {s["reader"]: s for s in json.loads(await asyncio.to_thread(run, "status", "--json"))}
        assert [s["tenant"] for s in states["metering"]["stalled"]] == [mine]
        assert "no such thing" in await asyncio.to_thread(run, "status")
        assert mine in await asyncio.to_thread(run, "retry", "metering")
        skip = ("skip", "allowance", "--tenant", mine, "--reason", "for a test")
        assert "passes over" in await asyncio.to_thread(run, *skip)
        refused = await asyncio.to_thread(lambda: run(*skip, code=1))
        assert refused.count("\n") == 1
        assert [len(await entries(factory, f"reader.{fact}")) for fact in ("retried", "skipped")] == [1, 1]
