"""Sequencer and readers killed again and again while events are written: each event and effect is there once."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from uuid import UUID

import pytest
from fixtures.app import ORIGIN, Tenant, World
from fixtures.billing import Book
from fixtures.database import fetch
from fixtures.killable import Killable
from fixtures.processes import eventually

from woaas_core.events.envelope import event_type
from woaas_core.ids import uuid7
from woaas_security.audit.checkpoint import open_checkpoint
from woaas_security.audit.keys import load_key_file
from woaas_security.audit.store import origin_of
from woaas_work_orders.orders.events import ORDER_COMMANDED

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
WRITTEN = event_type("test_spine.written", "A test wrote something.")
# The issue asks for 50; a tenth of that is what every run can afford.
KILLS = int(os.environ.get("WOAAS_TEST_KILLS", "5"))
SIZE = "SELECT coalesce(sum(size), 0)::bigint FROM log_head"
EPOCH = "SELECT epoch FROM sequencer_fence"
PENDING = "SELECT count(*) FROM pending"
UNSIGNED = "SELECT count(*) FROM log_head WHERE signed_size IS DISTINCT FROM size"
# A second sequencer has asked for the lock and was refused: it rests after that statement.
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'woaas_sequencer'
      AND state = 'idle' AND query LIKE '%pg_try_advisory_lock%'
      AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')
"""


class TakenBack(Exception):
    """Rolls a writer's transaction back."""


@dataclass
class Writer:
    """Commits small transactions of events in one tenant, and takes some back, until told to stop."""

    tenant: Tenant
    random: Random
    committed: list[UUID] = field(default_factory=list)
    taken_back: list[UUID] = field(default_factory=list)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.sleep(self.random.uniform(0, 0.02))
            with suppress(TakenBack):
                await self._write()

    async def _write(self) -> None:
        world = self.tenant.world
        async with world.db.unit_of_work() as uow:
            await world.authenticator.as_system(uow, self.tenant.id, "writer")
            fresh = [uow.record(WRITTEN, subject=f"thing_{n}").id for n in range(self.random.randint(1, 9))]
            if self.random.random() < 0.1:
                await uow.flush_events()
                self.taken_back += fresh
                raise TakenBack
        self.committed += fresh


@asynccontextmanager
async def writing(world: World, random: Random) -> AsyncIterator[list[Writer]]:
    """Two writers in each of three tenants."""
    tenants = [await world.tenant(f"Tenant {n}") for n in range(3)]
    writers = [Writer(tenant, Random(random.random())) for tenant in tenants for _ in range(2)]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for writer in writers:
            group.create_task(writer.run(stop))
        try:
            yield writers
        finally:
            stop.set()


async def number(killable: Killable, query: str) -> int:
    return int(str((await asyncio.to_thread(fetch, killable.dsn, query))[0][0]))


async def until_more(killable: Killable, query: str) -> None:
    """Wait until a figure has grown."""
    before = await number(killable, query)
    await asyncio.to_thread(eventually, lambda: fetch(killable.dsn, query)[0] > (before,), query)


async def until_nothing_waits(killable: Killable) -> None:
    """Wait until every event is in the log and every log is signed."""
    for query in (PENDING, UNSIGNED):
        await asyncio.to_thread(eventually, lambda q=query: fetch(killable.dsn, q) == [(0,)], query)


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def check_logs(world: World, writers: list[Writer]) -> None:
    """Gap-free, each committed event once and in its writer's order, and every signature true."""
    dsn = world.settings.database_url
    (key,) = load_key_file(world.settings.signing_key_path).signing
    for tenant in {w.tenant.id: w.tenant for w in writers}.values():
        log = fetch(
            dsn,
            "SELECT l.index, l.event_id, l.leaf_hash, e.payload FROM log l LEFT JOIN event e ON e.id = l.event_id "
            "WHERE l.tenant_id = $1 ORDER BY l.index",
            tenant.id,
        )
        assert [index for index, *_ in log] == list(range(len(log)))
        place = {event_id: index for index, event_id, *_ in log}
        assert len(place) == len(log)
        assert set(place) == {row[0] for row in fetch(dsn, "SELECT id FROM event WHERE tenant_id = $1", tenant.id)}
        for writer in writers:
            if writer.tenant is tenant:
                places = [place[event_id] for event_id in writer.committed]
                assert places == sorted(places)  # type: ignore[type-var]
                assert not set(writer.taken_back) & set(place)
        leaves = [sha256(b"\x00" + bytes(payload)).digest() for *_, payload in log]  # type: ignore[call-overload]
        assert [row[2] for row in log] == leaves
        verifier = key.named(origin_of(ORIGIN, tenant.id)).verifier
        signed = fetch(dsn, "SELECT note, size, root FROM checkpoint WHERE tenant_id = $1 ORDER BY size", tenant.id)
        for note, size, root in signed:
            checkpoint = open_checkpoint(str(note), [verifier])
            # Of every checkpoint, so that two of one size cannot differ.
            assert (checkpoint.size, checkpoint.root) == (size, root)
            assert checkpoint.root == tree_hash(leaves[: checkpoint.size])
        assert signed[-1][1] == len(log)


async def test_a_sequencer_killed_at_any_moment_leaves_a_whole_log(world: World, killable: Killable) -> None:
    random = Random(20_261_121)
    async with writing(world, random) as writers:
        for kill in range(KILLS):
            process = killable.start("sequencer")
            if kill % 3 == 0:
                await killable.kill_in_the_middle(process, "log", "log_head")
                continue
            if kill % 3 == 1:
                await until_more(killable, SIZE)
            await asyncio.sleep(random.uniform(0, 0.2))
            killable.kill(process)
        killable.start("sequencer")
        await until_more(killable, SIZE)
    await until_nothing_waits(killable)
    assert all(w.committed and w.taken_back for w in writers)
    await asyncio.to_thread(check_logs, world, writers)


async def test_of_two_sequencers_one_waits_and_takes_over(world: World, killable: Killable) -> None:
    async with writing(world, Random(7)) as writers:
        first = killable.start("sequencer")
        await until_more(killable, SIZE)
        epoch = await number(killable, EPOCH)
        second = killable.start("sequencer")
        await until_more(killable, WAITING)
        await until_more(killable, SIZE)
        assert await number(killable, EPOCH) == epoch
        killable.kill(first)
        await until_more(killable, EPOCH)
        await until_more(killable, SIZE)
        assert await number(killable, EPOCH) == epoch + 1
        assert second.exitcode is None
    await until_nothing_waits(killable)
    await asyncio.to_thread(check_logs, world, writers)


async def complete_orders(tenant: Tenant, count: int) -> list[UUID]:
    """The entries of first completions, in the log but not yet read."""
    world, orders = tenant.world, [uuid7() for _ in range(count)]
    async with world.db.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant.id, "test")
        for order in orders:
            data = {"first": True, "number": str(order)}
            uow.record(ORDER_COMMANDED["complete"], subject=str(order), work_order_id=order, data=data)
    await world.settle(only=())
    return orders


async def test_a_reader_killed_at_any_moment_has_each_effect_once(world: World, killable: Killable) -> None:
    random = Random(6_962)
    tenants = [await world.tenant(f"Tenant {n}") for n in range(2)]
    completed: dict[UUID, list[UUID]] = {tenant.id: [] for tenant in tenants}
    for kill in range(8):
        for tenant in tenants:
            completed[tenant.id] += await complete_orders(tenant, 60)
        process = killable.start("reader")
        if kill % 2 == 0:
            await killable.kill_in_the_middle(process, "usage_events", "pending")
        else:
            await asyncio.sleep(random.uniform(0, 0.6))
            killable.kill(process)
    killable.start("reader")
    caught_up = (
        "SELECT count(*) FROM reader_cursor c JOIN log_head h USING (tenant_id) "
        "WHERE c.reader = 'metering' AND c.next_index = h.size"
    )
    await asyncio.to_thread(eventually, lambda: fetch(killable.dsn, caught_up) == [(2,)], "everything was read")
    for tenant in tenants:
        book, orders = Book(world, tenant), Counter(completed[tenant.id])
        assert Counter(await book.used()) == orders
        recorded = "SELECT count(*) FROM event WHERE tenant_id = $1 AND type = 'usage.recorded'"
        assert await asyncio.to_thread(fetch, killable.dsn, recorded, tenant.id) == [(len(orders),)]
