"""What an entry costs the transaction that it belongs to, how many are taken in, and how soon they are in the log."""

import asyncio
import time
from itertools import cycle
from typing import NamedTuple
from uuid import UUID

import asyncpg

from benchmarks.audit.world import World
from woaas_core.db.statements import Statement
from woaas_core.events.envelope import event_type

CLIENTS = 16
WRITTEN = event_type("bench.written", "A benchmark wrote something.")
_TOUCH = Statement.text("UPDATE bench_row SET n = n + 1 WHERE tenant_id = $1 AND id = $2", "tenant_id", "id")
ROWS = 500


class Delays(NamedTuple):
    """Seconds from commit to the log, and what rate was held."""

    per_second: float
    median_s: float
    p99_s: float


async def prepare(world: World, tenants: list[UUID]) -> None:
    """A business table with some rows a tenant."""
    await world.administer(
        "CREATE TABLE bench_row (tenant_id uuid, id int, n int NOT NULL, PRIMARY KEY (tenant_id, id))",
        "GRANT SELECT, UPDATE ON bench_row TO woaas_app",
        *(f"INSERT INTO bench_row SELECT '{t}', g, 0 FROM generate_series(1, {ROWS}) g" for t in tenants),
    )


async def transactions(world: World, tenants: list[UUID], seconds: float, entries: int) -> float:
    """Business transactions a second, each with one row changed and that many entries."""
    done = 0
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        nonlocal done
        place = number
        for tenant in cycle(tenants[number:] + tenants[:number]):
            if time.monotonic() >= end:
                return
            place += 1
            await write(world, tenant, place, entries)
            done += 1

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number % len(tenants)))
    return done / seconds


async def write(world: World, tenant: UUID, place: int, entries: int) -> None:
    """One transaction."""
    async with world.database.unit_of_work() as uow:
        await world.authenticator.as_system(uow, tenant, "bench")
        await uow.execute(_TOUCH, tenant_id=tenant, id=place % ROWS + 1)
        for number in range(entries):
            uow.record(WRITTEN, subject=f"thing_{number}", data={"n": place}, changes={"price": "12.50"})


async def merge_delay(world: World, tenants: list[UUID], seconds: float, per_second: int, *, held: bool) -> Delays:
    """How soon entries are in the log at a fixed rate; `held` keeps a transaction open elsewhere all the while.

    The queue is first in, first out: the k-th committed entry is in once the logs together have k entries more.
    """
    holder = await asyncpg.connect(world.dsn)
    watcher = await asyncpg.connect(world.dsn)
    if held:
        await holder.execute("BEGIN; UPDATE bench_row SET n = n WHERE id = -1; SELECT pg_current_xact_id()")
    await world.drained()
    size = "SELECT coalesce(sum(size), 0)::bigint FROM log_head"
    before = await watcher.fetchval(size)
    committed: list[float] = []
    seen: list[tuple[float, int]] = []
    stop = asyncio.Event()

    async def watch() -> None:
        while not stop.is_set():
            seen.append((time.monotonic(), await watcher.fetchval(size) - before))
            await asyncio.sleep(0.01)

    async def client(number: int) -> None:
        pace, start = CLIENTS * 10 / per_second, time.monotonic()
        for turn in range(int(seconds / pace)):
            await asyncio.sleep(max(0.0, start + (turn + number / CLIENTS) * pace - time.monotonic()))
            await write(world, tenants[(turn * CLIENTS + number) % len(tenants)], turn, 10)
            committed.extend([time.monotonic()] * 10)

    watching = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(number))
    took = committed[-1] - committed[0]
    while not seen or seen[-1][1] < len(committed):  # noqa: ASYNC110 - another task looks
        await asyncio.sleep(0.02)
    stop.set()
    await watching
    await holder.close()
    await watcher.close()
    return _delays(sorted(committed), seen, took)


def _delays(committed: list[float], seen: list[tuple[float, int]], took: float) -> Delays:
    delays, look = [], 0
    for number, at in enumerate(committed, 1):
        while seen[look][1] < number:
            look += 1
        delays.append(max(0.0, seen[look][0] - at))
    delays.sort()
    return Delays(len(committed) / took, delays[len(delays) // 2], delays[int(len(delays) * 0.99)])
