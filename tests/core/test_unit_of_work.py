"""The unit of work: everything or nothing, savepoints, and events beside the rows."""

from typing import Any

import pytest
from fixtures.app import Tenant, World

from woaas_core.db.statements import Statement
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.events.envelope import event_type
from woaas_core.ids import encode_id, uuid7

pytestmark = pytest.mark.anyio
NOTED = event_type("test_note.noted", "A test noted something.")
EVENTS = Statement.text("SELECT id, type, subject FROM event WHERE tenant_id = $1 AND type = $2 ORDER BY id", "t", "y")
PENDING = Statement.text("SELECT count(*) FROM pending")
COUNT_UP = Statement.text(
    "INSERT INTO number_counters AS n (tenant_id, series, value) VALUES ($1, $2, 1) "
    "ON CONFLICT (tenant_id, series) DO UPDATE SET value = n.value + 1",
    "t",
    "series",
)
COUNTERS = Statement.text("SELECT series, value FROM number_counters ORDER BY series")


async def enter(uow: UnitOfWork, tenant: Tenant) -> None:
    await tenant.world.authenticator.as_system(uow, tenant.id, "test")


async def up(uow: UnitOfWork, series: str) -> None:
    await uow.execute(COUNT_UP, t=uow.tenant, series=series)
    uow.record(NOTED, subject=series)


async def state(tenant: Tenant) -> tuple[dict[str, int], list[str]]:
    """What is stored: the counters and the subjects of noted events."""
    async with tenant.world.db.unit_of_work() as uow:
        await enter(uow, tenant)
        counters = {r["series"]: r["value"] for r in await uow.all(COUNTERS)}
        events = [r["subject"] for r in await uow.all(EVENTS, t=uow.tenant, y=NOTED.name)]
    return counters, events


class Oops(Exception):
    pass


class TestAllOrNothing:
    async def test_rows_and_events_commit_together(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "a")
            await up(uow, "b")
        assert await state(factory) == ({"a": 1, "b": 1}, ["a", "b"])

    async def test_an_error_leaves_nothing(self, factory: Tenant) -> None:
        with pytest.raises(Oops):
            async with factory.world.db.unit_of_work() as uow:
                await enter(uow, factory)
                await up(uow, "a")
                await uow.flush_events()
                raise Oops
        assert await state(factory) == ({}, [])

    async def test_an_event_that_cannot_be_written_takes_the_rows_with_it(self, factory: Tenant) -> None:
        with pytest.raises(ValueError, match="audit entry"):
            async with factory.world.db.unit_of_work() as uow:
                await enter(uow, factory)
                await up(uow, "a")
                uow.record(NOTED, subject="b", data={"weight": 1.5})
        assert await state(factory) == ({}, [])

    async def test_the_connection_is_usable_after_a_failed_statement(self, factory: Tenant) -> None:
        for _ in range(20):
            with pytest.raises(Exception, match="division"):
                async with factory.world.db.unit_of_work() as uow:
                    await uow.value(Statement.text("SELECT 1 / 0"))
        assert await state(factory) == ({}, [])

    async def test_without_a_tenant_nothing_can_be_recorded(self, world: World) -> None:
        with pytest.raises(RuntimeError, match="no tenant"):
            async with world.db.unit_of_work() as uow:
                uow.record(NOTED, subject="a")

    async def test_the_tenant_ends_with_the_transaction(self, factory: Tenant) -> None:
        for _ in range(factory.world.db.pool.get_size() + 1):
            async with factory.world.db.unit_of_work() as uow:
                await enter(uow, factory)
            async with factory.world.db.unit_of_work() as uow:
                assert await uow.value(Statement.text("SELECT app_tenant()")) is None
                assert await uow.value(Statement.text("SELECT count(*) FROM api_keys")) == 0


class TestSavepoint:
    async def test_a_failed_part_takes_back_its_rows_and_events_only(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "before")
            with pytest.raises(Oops):
                async with uow.savepoint():
                    await up(uow, "inside")
                    raise Oops
            await up(uow, "after")
        assert await state(factory) == ({"after": 1, "before": 1}, ["before", "after"])

    async def test_the_last_event_is_never_one_taken_back(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "before")
            known = uow.last_event_id
            with pytest.raises(Oops):
                async with uow.savepoint():
                    await up(uow, "inside")
                    raise Oops
            assert uow.last_event_id == known

    async def test_an_outer_part_that_fails_after_an_inner_one_takes_all_of_itself_back(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "before")
            with pytest.raises(Oops):
                async with uow.savepoint():
                    await up(uow, "outer")
                    with pytest.raises(Oops):
                        async with uow.savepoint():
                            await up(uow, "inner")
                            raise Oops
                    raise Oops
        assert await state(factory) == ({"before": 1}, ["before"])

    async def test_events_flushed_inside_a_failed_part_are_gone_and_later_ones_are_not(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "before")
            with pytest.raises(Oops):
                async with uow.savepoint():
                    await up(uow, "inside")
                    await uow.flush_events()
                    raise Oops
            await up(uow, "after")
        assert (await state(factory))[1] == ["before", "after"]

    async def test_a_failed_statement_inside_does_not_end_the_transaction(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            with pytest.raises(Exception, match="division"):
                async with uow.savepoint():
                    await uow.value(Statement.text("SELECT 1 / 0"))
            await up(uow, "after")
        assert await state(factory) == ({"after": 1}, ["after"])


class TestEvents:
    async def test_an_event_is_queued_once_with_the_hash_of_its_bytes(self, factory: Tenant) -> None:
        from hashlib import sha256

        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            uow.record(NOTED, subject="a", changes={"price": "12", "none": None})
        async with factory.world.sequencer_db.unit_of_work() as uow:
            rows: list[Any] = await uow.all(
                Statement.text(
                    "SELECT e.payload, p.leaf_hash FROM pending p JOIN event e "
                    "ON e.tenant_id = p.tenant_id AND e.id = p.event_id WHERE e.type = $1", "y"
                ),
                y=NOTED.name,
            )  # fmt: skip
        assert len(rows) == 1
        assert rows[0]["leaf_hash"] == sha256(b"\0" + rows[0]["payload"]).digest()
        assert b'"12"' not in rows[0]["payload"]

    async def test_the_same_value_is_committed_to_differently_each_time(self, factory: Tenant) -> None:
        """Without a fresh salt an observer could guess values of few choices."""
        import msgspec

        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            for _ in range(2):
                uow.record(NOTED, subject="a", changes={"a": "same", "b": "same"})
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            statement = Statement.text("SELECT payload FROM event WHERE type = $1", "y")
            payloads = [msgspec.json.decode(r["payload"]) for r in await uow.all(statement, y=NOTED.name)]
        seals = [value for p in payloads for value in p["changes"].values()]
        assert len(set(seals)) == 4

    async def test_an_opening_opens_its_commitment(self, factory: Tenant) -> None:
        from base64 import b64decode, b64encode
        from hmac import digest

        import msgspec
        import rfc8785

        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            uow.record(NOTED, subject="a", changes={"fields": {"\ue000": 1, "\U0001f600": "x"}, "id": uuid7()})
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            statement = Statement.text("SELECT payload, openings FROM event WHERE type = $1", "y")
            row = await uow.first(statement, y=NOTED.name)
        assert row is not None
        commitments = msgspec.json.decode(row["payload"])["changes"]
        assert set(commitments) == {"fields", "id"}
        for name, (salt, plain) in row["openings"].items():
            seal = digest(b64decode(salt), rfc8785.dumps(plain), "sha256")
            assert b64encode(seal).decode() == commitments[name]

    async def test_the_entry_names_actor_request_reason_and_version(self, factory: Tenant) -> None:
        import msgspec

        order = uuid7()
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            uow.request_id, uow.reason = "req_1", "because"
            uow.record(NOTED, subject="a", version=(3, 4), work_order_id=order)
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            statement = Statement.text("SELECT payload, openings FROM event WHERE type = $1", "y")
            row = await uow.first(statement, y=NOTED.name)
        assert row is not None
        entry = msgspec.json.decode(row["payload"])
        assert entry["actor"] == {"type": "system", "id": "test"}
        assert (entry["request_id"], entry["version"]) == ("req_1", [3, 4])
        # The reason is free text: committed to, never in clear.
        assert (entry["reason"], row["openings"]["/reason"][1]) == (None, "because")
        assert b"because" not in row["payload"]
        assert (entry["tenant"], entry["work_order"]) == (encode_id("ten", factory.id), encode_id("wo", order))


class TestAtLast:
    """What waits for the end goes with the events, is there for who asks before, and goes back with its part."""

    async def test_it_is_written_with_the_events(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "a")
            await uow.at_last(COUNT_UP, t=uow.tenant, series="last")
            assert await uow.all(COUNTERS) == [("a", 1)]
        assert await state(factory) == ({"a": 1, "last": 1}, ["a"])

    async def test_it_is_written_where_nothing_was_recorded(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await uow.at_last(COUNT_UP, t=uow.tenant, series="last")
        assert await state(factory) == ({"last": 1}, [])

    @pytest.mark.parametrize("count", [8, 9])
    async def test_it_ends_many_events_too(self, factory: Tenant, count: int) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            for number in range(count):
                uow.record(NOTED, subject=f"{number}")
            await uow.at_last(COUNT_UP, t=uow.tenant, series="last")
        assert await state(factory) == ({"last": 1}, [f"{number}" for number in range(count)])

    async def test_a_second_one_does_not_take_its_place(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await up(uow, "a")
            await uow.at_last(COUNT_UP, t=uow.tenant, series="first")
            await uow.at_last(COUNT_UP, t=uow.tenant, series="second")
        assert await state(factory) == ({"a": 1, "first": 1, "second": 1}, ["a"])

    async def test_it_goes_back_with_the_part_that_failed(self, factory: Tenant) -> None:
        async with factory.world.db.unit_of_work() as uow:
            await enter(uow, factory)
            await uow.at_last(COUNT_UP, t=uow.tenant, series="kept")
            with pytest.raises(Oops):
                async with uow.savepoint():
                    await uow.at_last(COUNT_UP, t=uow.tenant, series="lost")
                    raise Oops
        assert await state(factory) == ({"kept": 1}, [])
