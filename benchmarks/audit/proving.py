"""Proofs from a log of a million entries, through the service that the API calls."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import asyncpg

from benchmarks.audit.world import World
from woaas_core.ids import uuid7
from woaas_security.audit import evidence
from woaas_security.audit.proofs import plan_consistency, plan_inclusion, tiles_of
from woaas_security.audit.tiles import TILE_BYTES, full_tiles
from woaas_security.audit.tree import Frontier, leaf_hash

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_PAGE = 65_536
Proof = Callable[["UnitOfWork"], Awaitable[list[bytes]]]


class Proofs(NamedTuple):
    """What proofs of one kind cost."""

    p99_ms: float
    hashes: int
    tiles: int


async def fill(world: World, tenant: UUID, size: int) -> Frontier:
    """A log with that many entries of which only the hashes exist; written as the administrator, with COPY."""
    connection = await asyncpg.connect(world.dsn)
    frontier = Frontier()
    tails: dict[int, bytes] = {}  # What the last tile of each level has so far.
    for start in range(0, size, _PAGE):
        leaves = [leaf_hash(number.to_bytes(8, "big")) for number in range(start, min(start + _PAGE, size))]
        rows = [(tenant, start + place, uuid7(), one) for place, one in enumerate(leaves)]
        await connection.copy_records_to_table("log", records=rows)
        growth = frontier.extend(leaves)
        for tile in full_tiles(growth, tails):
            await connection.execute(
                "INSERT INTO tile VALUES ($1, $2, $3, $4, $5)", tenant, tile.level, tile.index, tile.hashes, tile.root
            )
        for row in growth:
            tail = tails.get(row.tile_level, b"") + b"".join(row.hashes)
            tails[row.tile_level] = tail[len(tail) // TILE_BYTES * TILE_BYTES :]
    stored = frontier.to_bytes()
    await connection.execute(
        "INSERT INTO log_head (tenant_id, size, frontier, updated_at) VALUES ($1, $2, $3, now())", tenant, size, stored
    )
    await connection.execute("ANALYZE log; ANALYZE tile")
    await connection.close()
    return frontier


async def inclusion(world: World, tenant: UUID, size: int, trials: int) -> Proofs:
    """Proofs of random entries in the newest tree."""
    chance = random.Random(1)

    async def one(uow: "UnitOfWork") -> list[bytes]:
        plan = plan_inclusion(chance.randrange(size), size)
        return (await evidence.hashes_for(uow, [plan])).resolve(plan)

    nodes = [node for part in plan_inclusion(size // 3, size) for node in part]
    known = Frontier.from_bytes(await _frontier(world, tenant)).peaks()
    return await _timed(world, tenant, trials, one, len(tiles_of(nodes, known)))


async def consistency(world: World, tenant: UUID, size: int, trials: int) -> Proofs:
    """Proofs that the newest tree continues one of a random size."""
    chance = random.Random(2)

    async def one(uow: "UnitOfWork") -> list[bytes]:
        plan = plan_consistency(chance.randrange(1, size), size)
        return (await evidence.hashes_for(uow, [plan])).resolve(plan)

    nodes = [node for part in plan_consistency(size // 3, size) for node in part]
    known = Frontier.from_bytes(await _frontier(world, tenant)).peaks()
    return await _timed(world, tenant, trials, one, len(tiles_of(nodes, known)))


async def _timed(world: World, tenant: UUID, trials: int, one: Proof, tiles: int) -> Proofs:
    took, longest = [], 0
    for _ in range(trials):
        async with world.database.unit_of_work() as uow:
            await world.authenticator.as_system(uow, tenant, "bench")
            began = time.perf_counter()
            proof = await one(uow)
            took.append(time.perf_counter() - began)
            longest = max(longest, len(proof))
    took.sort()
    return Proofs(took[int(len(took) * 0.99)] * 1e3, longest, tiles)


async def _frontier(world: World, tenant: UUID) -> bytes:
    connection = await asyncpg.connect(world.dsn)
    try:
        return bytes(await connection.fetchval("SELECT frontier FROM log_head WHERE tenant_id = $1", tenant))
    finally:
        await connection.close()
