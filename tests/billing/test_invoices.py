"""Invoices: numbered without a gap, never changed, equal to their preview, their ledger and their usage."""

import asyncio
from typing import Any

import asyncpg
import pytest
from fixtures.billing import Book
from fixtures.database import FreshDatabase

from woaas_billing import invoice_repository, invoicing
from woaas_core.db.statements import Statement
from woaas_core.ids import encode_id, uuid7
from woaas_security.tenants import repository as tenants

pytestmark = pytest.mark.anyio
ISSUES = 8
_POSTED = Statement.text(
    "SELECT t.ref, sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0)::bigint AS debit FROM ledger_transactions t "
    "JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id "
    "WHERE t.tenant_id = app_tenant() GROUP BY t.ref ORDER BY t.ref"
)


async def count(book: Book, orders: int) -> None:
    """Count some new orders."""
    for _ in range(orders):
        await book.count(uuid7())


class TestNumbers:
    async def test_concurrent_issues_leave_no_gap_nor_does_one_that_fails(self, book: Book) -> None:
        async def fail() -> None:
            async with book.world.db.unit_of_work() as uow:
                await invoicing.issue(uow, await book.enter(uow), "open")
                raise ConnectionError("killed")

        issues = [book.issue() if n % 2 else fail() for n in range(2 * ISSUES)]
        done = await asyncio.gather(*issues, return_exceptions=True)
        failed = [d for d in done if isinstance(d, BaseException)]
        assert [type(f) for f in failed] == [ConnectionError] * ISSUES
        issued: list[Any] = [d for d in done if not isinstance(d, BaseException)]
        assert sorted(row["sequence"] for row in issued) == list(range(1, ISSUES + 1))
        assert sorted(row["number"][-6:] for row in issued) == [f"{n:06d}" for n in range(1, ISSUES + 1)]
        assert await book.differences() == []

    async def test_one_period_asked_for_by_many_gets_one_invoice(self, book: Book) -> None:
        (period,) = await book.periods()
        rows = await asyncio.gather(*(book.issue(encode_id("bp", period["id"])) for _ in range(ISSUES)))
        assert len({row["id"] for row in rows}) == 1
        assert [p["status"] for p in await book.periods()] == ["closed", "open"]


class TestAllowance:
    async def test_closing_a_period_early_gives_no_second_allowance(self, book: Book) -> None:
        totals = []
        for orders in (6, 6, 6):
            await count(book, orders)
            totals.append((await book.issue())["total_minor"])
        assert totals == [0, 2 * 200, 6 * 200], "ten are free in a month, however often it is closed"


class TestContent:
    async def test_preview_invoice_and_ledger_agree_and_the_usage_gives_the_same_bytes(self, book: Book) -> None:
        rows = []
        for orders in (0, 3, 12, 101):
            await count(book, orders)
            async with book.world.db.unit_of_work() as uow:
                foreseen = await invoicing.preview(uow, await book.enter(uow), "open")
            row = await book.issue()
            async with book.world.db.unit_of_work() as uow:
                await book.enter(uow)
                lines = await invoice_repository.lines(uow, row["id"])
                assert await invoicing.rebuild(uow, row) == row["content"]
            assert [(c.quantity, c.exact, c.amount(foreseen.currency).amount_minor) for c in foreseen.charges] == [
                (line["quantity"], line["amount_exact"], line["amount_minor"]) for line in lines
            ]
            assert foreseen.total.amount_minor == row["total_minor"] == sum(line["amount_minor"] for line in lines)
            rows.append(row)
        assert [row["total_minor"] for row in rows] == [0, 0, 1000, 19400]
        posted = {r["ref"]: r["debit"] for r in await book.rows(_POSTED)}
        assert posted == {f"invoice:{row['number']}": row["total_minor"] for row in rows if row["total_minor"]}
        assert await book.balances() == {"receivable": 20400, "revenue": -20400}

    async def test_it_stays_the_same_when_more_is_counted_and_the_tenant_changes(self, book: Book) -> None:
        await count(book, 12)
        row = await book.issue()
        await count(book, 5)
        async with book.world.db.unit_of_work() as uow:
            await book.enter(uow)
            await uow.execute(Statement.text("UPDATE tenants SET name = 'Renamed', time_zone = 'Asia/Shanghai'"))
            assert (await tenants.get(uow))["name"] == "Renamed"
            assert await invoicing.rebuild(uow, row) == row["content"]

    @pytest.mark.parametrize("table", ["invoices", "invoice_lines", "usage_events"])
    async def test_nobody_changes_or_deletes_it(self, book: Book, database: FreshDatabase, table: str) -> None:
        await count(book, 1)
        await book.issue()
        for role in ("woaas_app", "postgres"):
            connection = await asyncpg.connect(database.dsn, server_settings={"role": role})
            try:
                for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await connection.execute(statement)
            finally:
                await connection.close()

    async def test_a_closed_period_is_not_changed(self, book: Book, database: FreshDatabase) -> None:
        await book.issue()
        connection = await asyncpg.connect(database.dsn)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("UPDATE billing_periods SET event_count = 1 WHERE status = 'closed'")
        finally:
            await connection.close()
