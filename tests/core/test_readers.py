"""Readers: each effect once, in order, whatever fails in between."""

from collections.abc import Iterable

import pytest
from fixtures.app import Tenant, World

from woaas_core.db.statements import Statement
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.events.envelope import event_type
from woaas_core.events.readers import MAX_ATTEMPTS, LoggedEvent, NotYet, Reader, advance, note_failure
from woaas_infra.processes.reader import Follower

pytestmark = pytest.mark.anyio
COUNTED = event_type("test_thing.counted", "A test counted a thing.")
OTHER = event_type("test_thing.other_seen", "Nothing that counts.")
COUNT_UP = Statement.text(
    "INSERT INTO number_counters AS n (tenant_id, series, value) VALUES ($1, $2, 1) "
    "ON CONFLICT (tenant_id, series) DO UPDATE SET value = n.value + 1",
    "t",
    "series",
)
COUNTERS = Statement.text("SELECT series, value FROM number_counters")
CURSOR = Statement.text("SELECT next_index, attempts, error, retry_at FROM reader_cursor WHERE reader = $1", "reader")


async def count(uow: UnitOfWork, event: LoggedEvent) -> None:
    """The effect: one more under the event's subject."""
    await uow.execute(COUNT_UP, t=uow.tenant, series=event.subject)


COUNTING = Reader(name="counting", types=frozenset({COUNTED.name}), handle=count)


async def note(tenant: Tenant, subjects: Iterable[str], kind: object = COUNTED) -> None:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        for subject in subjects:
            uow.record(kind, subject=subject)  # type: ignore[arg-type]
    while (await tenant.world.sequencer.step()).sequenced:
        pass


async def counts(tenant: Tenant) -> dict[str, int]:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        return {r["series"]: r["value"] for r in await uow.all(COUNTERS)}


async def step(tenant: Tenant, reader: Reader, *, batch: int = 200) -> bool:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, reader.name)
        return (await advance(uow, reader, batch=batch)).done


async def follow(tenant: Tenant, reader: Reader, *, batch: int = 200) -> None:
    while not await step(tenant, reader, batch=batch):
        pass


@pytest.fixture
def follower(world: World) -> Follower:
    return Follower(world.db, world.settings)


async def retry_now(tenant: Tenant) -> None:
    """Let the time until the next attempt pass."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        await uow.execute(Statement.text("UPDATE reader_cursor SET retry_at = NULL"))


class TestExactlyOnce:
    async def test_every_event_of_its_types_is_handled_once_in_order(self, factory: Tenant) -> None:
        seen: list[tuple[int, str]] = []

        async def handle(uow: UnitOfWork, event: LoggedEvent) -> None:
            seen.append((event.index, event.subject))
            await count(uow, event)

        reader = Reader(name="ordered", types=frozenset({COUNTED.name}), handle=handle)
        subjects = [f"s{i}" for i in range(25)]
        await note(factory, subjects[:10])
        await note(factory, ["noise"], OTHER)
        await note(factory, subjects[10:])
        await follow(factory, reader, batch=7)
        await follow(factory, reader, batch=7)
        assert [subject for _, subject in seen] == subjects
        assert [index for index, _ in seen] == sorted({index for index, _ in seen})
        assert await counts(factory) == dict.fromkeys(subjects, 1)

    async def test_a_crash_between_effect_and_commit_repeats_nothing(self, factory: Tenant) -> None:
        await note(factory, ["a", "b", "c"])

        class Crash(BaseException):
            pass

        for _ in range(3):
            with pytest.raises(Crash):
                async with factory.world.db.unit_of_work() as uow:
                    await factory.world.authenticator.as_system(uow, factory.id, COUNTING.name)
                    await advance(uow, COUNTING)
                    raise Crash
        assert await counts(factory) == {}
        await follow(factory, COUNTING)
        assert await counts(factory) == {"a": 1, "b": 1, "c": 1}

    async def test_two_processes_for_one_reader_take_turns(self, factory: Tenant) -> None:
        import asyncio

        await note(factory, ["a", "b", "c", "d", "e"])
        await asyncio.gather(*(follow(factory, COUNTING, batch=1) for _ in range(4)))
        assert await counts(factory) == dict.fromkeys("abcde", 1)

    async def test_readers_do_not_share_a_cursor(self, factory: Tenant) -> None:
        await note(factory, ["a"])
        await follow(factory, COUNTING)
        await follow(factory, Reader(name="second", types=COUNTING.types, handle=count))
        assert await counts(factory) == {"a": 2}

    async def test_a_reader_sees_only_what_is_in_the_log(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            uow.record(COUNTED, subject="pending")
        await follow(factory, COUNTING)
        assert await counts(factory) == {}


class TestStart:
    async def test_at_the_beginning_sees_what_was_before(self, factory: Tenant) -> None:
        await note(factory, ["old"])
        await follow(factory, COUNTING)
        assert await counts(factory) == {"old": 1}

    async def test_at_the_head_does_not(self, factory: Tenant) -> None:
        reader = Reader(name="outside", types=COUNTING.types, handle=count, start="head")
        await note(factory, ["old"])
        await follow(factory, reader)
        await note(factory, ["new"])
        await follow(factory, reader)
        assert await counts(factory) == {"new": 1}


class TestPoison:
    async def test_a_bad_event_stalls_its_tenant_after_the_tries_and_no_other(
        self, world: World, follower: Follower
    ) -> None:
        sick, healthy = await world.tenant("Sick"), await world.tenant("Healthy")

        async def handle(uow: UnitOfWork, event: LoggedEvent) -> None:
            await count(uow, event)
            if event.subject == "bad":
                msg = "cannot"
                raise RuntimeError(msg)

        reader = Reader(name="poisoned", types=COUNTING.types, handle=handle)
        await note(sick, ["good", "bad", "behind"])
        await note(healthy, ["good"])
        for _ in range(3 * MAX_ATTEMPTS):
            await follower.catch_up(reader)
            await retry_now(sick)
        assert await counts(sick) == {"good": 1}
        assert await counts(healthy) == {"good": 1}
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, sick.id, "test")
            cursor = await uow.first(CURSOR, reader="poisoned")
        assert cursor is not None
        assert cursor["attempts"] == MAX_ATTEMPTS
        assert cursor["error"] == "RuntimeError: cannot"
        assert not await follower.catch_up(reader), "a stalled tenant is left alone"
        await note(healthy, ["more"])
        await follower.catch_up(reader)
        assert await counts(healthy) == {"good": 1, "more": 1}

    async def test_what_works_again_goes_on_without_repeating(self, factory: Tenant, follower: Follower) -> None:
        broken = True

        async def handle(uow: UnitOfWork, event: LoggedEvent) -> None:
            await count(uow, event)
            if broken and event.subject == "c":
                msg = "not now"
                raise RuntimeError(msg)

        reader = Reader(name="mended", types=COUNTING.types, handle=handle)
        await note(factory, "abcde")
        for _ in range(2):
            await follower.catch_up(reader)
            await retry_now(factory)
        broken = False
        while await follower.catch_up(reader):
            pass
        assert await counts(factory) == dict.fromkeys("abcde", 1)

    async def test_until_the_next_try_the_tenant_is_left_alone(self, factory: Tenant, follower: Follower) -> None:
        await note(factory, ["a"])
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, COUNTING.name)
            assert not await note_failure(uow, COUNTING, "x" * 1000)
        assert not await follower.catch_up(COUNTING)
        await retry_now(factory)
        while await follower.catch_up(COUNTING):
            pass
        assert await counts(factory) == {"a": 1}


class TestNotYet:
    async def test_a_reader_stops_in_front_of_what_must_wait_and_counts_no_failure(
        self, factory: Tenant, follower: Follower
    ) -> None:
        waiting = {"b"}

        async def handle(uow: UnitOfWork, event: LoggedEvent) -> None:
            if event.subject in waiting:
                raise NotYet
            await count(uow, event)

        reader = Reader(name="patient", types=COUNTING.types, handle=handle)
        await note(factory, "abc")
        assert await follower.catch_up(reader)
        for _ in range(2 * MAX_ATTEMPTS):
            assert not await follower.catch_up(reader), "nothing came of it, so there is no hurry to look again"
        assert await counts(factory) == {"a": 1}
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            cursor = await uow.first(CURSOR, reader="patient")
        assert cursor is not None
        assert (cursor["attempts"], cursor["retry_at"], cursor["error"]) == (0, None, None)
        waiting.clear()
        assert await follower.catch_up(reader)
        assert await counts(factory) == dict.fromkeys("abc", 1)
