"""A processed order is counted once and for ever, whatever repeats, fails or closes meanwhile."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest
from fixtures.app import World
from fixtures.billing import Book, Complete, completion
from fixtures.database import FreshDatabase

from woaas_billing import metering, periods
from woaas_billing.handlers import METERING
from woaas_billing.periods import NoOpenPeriod
from woaas_core.db.statements import Statement
from woaas_core.events.readers import LoggedEvent, Reader, advance
from woaas_core.ids import decode_id, uuid7

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

pytestmark = pytest.mark.anyio
WRITERS = 6
ORDERS = 25
CLOSES = 12
_REWIND = Statement.text("UPDATE reader_cursor SET next_index = 0 WHERE tenant_id = app_tenant()")
_BRIEFLY = Statement.text("SET LOCAL lock_timeout = '100ms'")


@dataclass
class Crashing:
    """The metering handler in a process that dies after it, as often as told."""

    deaths: int
    handled: list[UUID | None] = field(default_factory=list)

    async def __call__(self, uow: "UnitOfWork", event: LoggedEvent) -> None:
        await METERING.handle(uow, event)
        if event.type == "work_order.completed":
            self.handled.append(event.work_order_id)
            if self.deaths:
                self.deaths -= 1
                raise ConnectionError("killed")


class TestOnce:
    async def test_a_crash_before_the_commit_is_retried_and_counts_once(self, book: Book, complete: Complete) -> None:
        order = decode_id("wo", await complete(book.tenant))
        crashing = Crashing(deaths=2)
        reader = Reader(METERING.name, METERING.types, crashing, may_skip=False)
        before = await book.cursor(METERING)
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await book.follow(reader)
            assert (await book.cursor(METERING), await book.used()) == (before, [])
        await book.follow(reader)
        assert crashing.handled == [order] * 3
        assert await book.used() == [order]

    async def test_two_processes_and_a_cursor_put_back_count_once(self, book: Book, complete: Complete) -> None:
        orders = {decode_id("wo", await complete(book.tenant)) for _ in range(3)}
        await asyncio.gather(book.follow(METERING), self._read(book), self._read(book))
        assert (len(await book.used()), set(await book.used())) == (3, orders)
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await uow.execute(_REWIND)
        await book.follow()
        assert len(await book.used()) == 3
        assert await book.differences() == []

    async def test_the_same_fact_at_once_from_many_counts_once(self, book: Book) -> None:
        order = uuid7()
        said = await asyncio.gather(*(book.count(order) for _ in range(WRITERS)))
        assert sorted(said) == [False] * (WRITERS - 1) + [True]
        assert await book.used() == [order]

    async def test_reopened_and_completed_again_adds_nothing_even_a_period_later(
        self, book: Book, complete: Complete
    ) -> None:
        order = await complete(book.tenant)
        await book.follow()
        await book.issue()
        # Reopening takes a second person.
        async with book.tenant.client(await book.tenant.key("owner")) as client:
            for command in ("reopen", "complete"):
                answer = await client.post(f"/v1/work-orders/{order}/{command}")
                assert answer.status_code == 200, answer.text
        await book.follow()
        assert await book.used() == [decode_id("wo", order)]
        assert await book.count(decode_id("wo", order)) is False
        assert await book.differences() == []

    async def test_cancelled_and_sandbox_orders_add_nothing(self, world: World, book: Book, complete: Complete) -> None:
        async with book.tenant.client() as client:
            body = {"product": "P", "quantity": "1", "operations": [{"name": "Turn"}], "release": True}
            order = (await client.post("/v1/work-orders", json=body)).json()
            assert (await client.post(f"/v1/work-orders/{order['id']}/cancel")).status_code == 200
        sandbox = Book(world, await world.tenant("Sandbox", livemode=False))
        await complete(sandbox.tenant)
        for each in (book, sandbox):
            await each.follow()
            assert await each.used() == []
            assert await each.differences() == []

    @staticmethod
    async def _read(book: Book) -> None:
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await advance(uow, METERING)


class TestWhileClosing:
    async def test_without_an_open_period_nothing_moves(
        self, book: Book, database: FreshDatabase, complete: Complete
    ) -> None:
        admin = await asyncpg.connect(database.dsn)
        try:
            await admin.execute("UPDATE billing_periods SET status = 'closed', ends_at = now(), events_sha256 = ''")
            order = decode_id("wo", await complete(book.tenant))
            before = await book.cursor(METERING)
            with pytest.raises(NoOpenPeriod):
                await book.follow(METERING)
            assert (await book.cursor(METERING), await book.used()) == (before, [])
            await admin.execute(
                "INSERT INTO billing_periods (tenant_id, id, number, status, plan, price_id, time_zone, starts_at, "
                "renews_at) SELECT tenant_id, gen_random_uuid(), 2, 'open', plan, price_id, time_zone, ends_at, "
                "renews_at FROM billing_periods"
            )
        finally:
            await admin.close()
        await book.follow(METERING)
        assert await book.used() == [order]

    async def test_recording_and_closing_wait_for_each_other(self, book: Book) -> None:
        async with book.world.db.unit_of_work() as recording:
            await book.enter(recording)
            # Only the look at the period: the foreign key of what is inserted then would hold it as well.
            await periods.share_open(recording)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await self._close_briefly(book)
        async with book.world.db.unit_of_work() as closing:
            await book.enter(closing)
            await periods.close(closing, await periods.lock_open(closing))
            with pytest.raises(asyncpg.LockNotAvailableError):
                await self._record_briefly(book)
        assert [p["event_count"] for p in await book.periods()] == [0, None]

    async def test_several_writers_lose_nothing_while_periods_close(self, book: Book) -> None:
        orders = [[uuid7() for _ in range(ORDERS)] for _ in range(WRITERS)]

        async def write(mine: list[UUID]) -> None:
            for order in mine:
                assert await book.count(order)

        async def close() -> None:
            for _ in range(CLOSES):
                await book.issue()

        await asyncio.gather(*(write(mine) for mine in orders), close())
        await book.issue()
        assert sorted(await book.used()) == sorted(order for mine in orders for order in mine)
        counted = [p["event_count"] for p in await book.periods() if p["status"] == "closed"]
        assert (len(counted), sum(counted)) == (CLOSES + 1, WRITERS * ORDERS)
        # The orders are made up, so they have no work order behind them; everything else holds.
        assert {d.check for d in await book.differences()} == {"I2"}

    @staticmethod
    async def _close_briefly(book: Book) -> None:
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await uow.execute(_BRIEFLY)
            await periods.close(uow, await periods.lock_open(uow))

    @staticmethod
    async def _record_briefly(book: Book) -> None:
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await uow.execute(_BRIEFLY)
            await metering.record_processed(uow, completion(uuid7()))
