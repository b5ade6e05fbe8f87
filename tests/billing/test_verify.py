"""Each invariant finds what breaks it, and the command tells by its exit code."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from anyio import to_thread
from fixtures.billing import Book, Complete
from fixtures.database import FreshDatabase

from woaas_billing.invariants import CHECKS
from woaas_billing.settlements import SettledContract, settle
from woaas_billing.verify import REBUILT, differences
from woaas_core.db.database import Database

pytestmark = pytest.mark.anyio

# What a superuser with the triggers off does to a sound book, and the checks that must tell of it.
DAMAGE: tuple[tuple[str, frozenset[str]], ...] = (
    ("UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE amount_minor < 0", frozenset({"I1", "I9"})),
    ("DELETE FROM ledger_entries WHERE amount_minor = 400", frozenset({"I1", "I4"})),
    ("DELETE FROM ledger_entries", frozenset({"I1", "I4", "I9"})),
    (
        "DELETE FROM usage_events WHERE ctid = (SELECT min(ctid) FROM usage_events)",
        frozenset({"I2", "I3", "I5", REBUILT}),
    ),
    ("UPDATE usage_events SET work_order_id = gen_random_uuid()", frozenset({"I2"})),
    ("UPDATE work_orders SET completed_at = NULL", frozenset({"I2"})),
    ("UPDATE tenants SET livemode = false", frozenset({"I2"})),
    ("UPDATE usage_events SET quantity = 2", frozenset({"I3", "I5", REBUILT})),
    ("UPDATE invoice_lines SET quantity = quantity + 1", frozenset({"I3"})),
    ("UPDATE invoice_lines SET amount_minor = amount_minor + 1", frozenset({"I4"})),
    ("UPDATE invoices SET total_minor = total_minor + 1", frozenset({"I4", "I6"})),
    ("UPDATE invoices SET content = content || ' '", frozenset({"I6"})),
    ("UPDATE invoices SET content_sha256 = sha256('')", frozenset({"I6", REBUILT})),
    ("UPDATE billing_periods SET event_count = 1 WHERE status = 'closed'", frozenset({"I5"})),
    (
        "UPDATE billing_periods SET starts_at = starts_at - interval '1 s' WHERE status = 'open'",
        frozenset({"I5"}),
    ),
    ("UPDATE billing_periods SET number = 7 WHERE status = 'open'", frozenset({"I5"})),
    ("DELETE FROM settlements; UPDATE invoice_series SET last = 2", frozenset({"I10"})),
    ("DELETE FROM invoice_series", frozenset({"I10"})),
    ("UPDATE settlements SET fee_minor = fee_minor + 1, net_minor = net_minor - 1", frozenset({"I9"})),
    ("ALTER TABLE invoice_lines ALTER unit_price TYPE float8", frozenset({"I12"})),
)
GUARDED = ("ledger_entries", "usage_events", "invoices", "invoice_lines", "settlements", "billing_periods")


class _TakeBack(Exception):
    """Ends a transaction whose damage was looked at."""


@pytest.fixture
async def kept(book: Book, complete: Complete) -> Book:
    """A sound book with an invoice of 4.00 and a settled contract."""
    for _ in range(12):
        await complete(book.tenant)
    await book.follow()
    await book.issue()
    async with book.world.db.unit_of_work() as uow:
        await book.enter(uow)
        await settle(uow, SettledContract("ctr_1", "partner", 1000, 50, 950, "CNY"))
    return book


class TestInvariants:
    async def test_a_sound_book_breaks_none_and_each_damage_is_told(self, kept: Book, database: FreshDatabase) -> None:
        assert await kept.differences() == []
        admin = await Database.connect(database.dsn, role="postgres", size=1)
        for damage, expected in DAMAGE:
            assert await self._told(kept, admin, damage) == expected, damage
        await admin.close()
        assert frozenset().union(*(e for _, e in DAMAGE)) == {c.name for c in CHECKS} | {REBUILT}

    @staticmethod
    async def _told(kept: Book, admin: Database, damage: str) -> set[str]:
        """The checks that tell of a damage, which is taken back."""
        found: set[str] = set()
        with suppress(_TakeBack):
            async with admin.unit_of_work() as uow:
                for table in GUARDED:
                    await uow.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                await uow.connection.execute(damage)
                await kept.enter(uow)
                found = {d.check for d in await differences(uow)}
                raise _TakeBack
        return found


class TestCommand:
    async def test_the_exit_code_tells(self, kept: Book, database: FreshDatabase, tmp_path: Path) -> None:
        sound = await to_thread.run_sync(_run, database.dsn, tmp_path)
        assert (sound.returncode, json.loads(sound.stdout)) == (0, {}), sound.stderr
        connection = await asyncpg.connect(database.dsn)
        try:
            await connection.execute("UPDATE invoice_series SET last = last + 1")
        finally:
            await connection.close()
        broken = await to_thread.run_sync(_run, database.dsn, tmp_path)
        assert broken.returncode == 1
        ((tenant, (found,)),) = json.loads(broken.stdout).items()
        assert tenant.startswith("ten_")
        assert (found["check"], found["expected"], found["found"]) == ("I10", "2", "1 up to 1")


def _run(dsn: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "woaas-server", "billing", "verify", "--json", "--home", home],
        env={**os.environ, "WOAAS_DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
