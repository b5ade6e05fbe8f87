"""The one writer of the log: gives pending events their index, grows the tree, signs checkpoints.

One batch is one transaction: queue rows go, log rows, tiles and the tree's edge come. A crash at any moment leaves
either all of it or none. Two sequencers cannot both work: a session lock keeps the second waiting, and the epoch
fences off one that lost its connection and does not know yet.
"""

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_security.audit import store
from woaas_security.audit.checkpoint import Checkpoint
from woaas_security.audit.note import SigningKey
from woaas_security.audit.tiles import full_tiles, open_tiles_to_fill
from woaas_security.audit.tree import Frontier

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BATCH = 5_000
SIGN_AT_MOST_EVERY = timedelta(seconds=1)
SIGN_AT_LEAST_EVERY = timedelta(hours=1)
LOCK_KEY = 0x574F_4153  # "WOAS": the session lock of the working sequencer
CHANNEL = "woaas_log"


class Fenced(Exception):
    """Another sequencer has taken over; this one must stop."""


class LogBroken(Exception):
    """What is stored does not agree with what was signed: nothing more is signed until a person has looked."""


class Batch(NamedTuple):
    """What a step did."""

    sequenced: int
    signed: int


class Sequencer:
    """Sequences every tenant's pending events; ``open`` must have succeeded before ``step``."""

    def __init__(self, database: Database, keys: tuple[SigningKey, ...], *, origin: str) -> None:
        self._database = database
        self._keys = keys
        self._origin = origin
        self._epoch: int | None = None

    async def open(self) -> None:
        """Take over: raise the fence's epoch and publish our public keys."""
        async with self._database.unit_of_work() as uow:
            self._epoch = await uow.value(store.RAISE_EPOCH)
            now = uow.clock.now()
            await uow.execute_many(
                store.PUBLISH_KEY, ({"public_key": k.verifier.public, "now": now} for k in self._keys)
            )

    async def step(self, batch: int = BATCH) -> Batch:
        """Sequence one batch and sign what is due.

        Raises:
            Fenced: another sequencer works.
            LogBroken: the stored tree contradicts a signed checkpoint.
        """
        async with self._database.unit_of_work() as uow:
            await self._check_fence(uow)
            rows = await uow.all(store.TAKE_PENDING, limit=batch)
            by_tenant: dict[UUID, list[Record]] = defaultdict(list)
            for row in rows:
                by_tenant[row["tenant_id"]].append(row)
            heads = await self._heads(uow, list(by_tenant))
            for tenant_id, entries in by_tenant.items():
                await self._append(uow, tenant_id, heads.get(tenant_id), entries)
            signed = await self._sign_due(uow)
            if rows or signed:
                await uow.value(store.NOTIFY, channel=CHANNEL)
        return Batch(len(rows), signed)

    async def _check_fence(self, uow: "UnitOfWork") -> None:
        if self._epoch is None or await uow.value(store.HOLD_EPOCH, epoch=self._epoch) is None:
            raise Fenced

    async def _heads(self, uow: "UnitOfWork", tenants: list[UUID]) -> "dict[UUID, Record]":
        if not tenants:
            return {}
        return {row["tenant_id"]: row for row in await uow.all(store.HEADS, tenants=tenants)}

    async def _append(self, uow: "UnitOfWork", tenant_id: UUID, head: "Record | None", entries: "list[Record]") -> None:
        frontier = Frontier.from_bytes(head["frontier"]) if head else Frontier()
        first = frontier.size
        needed = open_tiles_to_fill(first, len(entries))
        open_hashes = {t.level: await store.open_tile(uow, tenant_id, t.level, t.index, t.width) for t in needed}
        growth = frontier.extend([e["leaf_hash"] for e in entries])
        await uow.execute(
            store.INSERT_LOG,
            tenant_id=tenant_id,
            first=first,
            event_ids=[e["event_id"] for e in entries],
            leaf_hashes=[e["leaf_hash"] for e in entries],
        )
        tiles = full_tiles(growth, open_hashes)
        if tiles:
            await uow.execute_many(
                store.INSERT_TILE,
                (
                    {"tenant_id": tenant_id, "level": t.level, "index": t.index, "hashes": t.hashes, "root": t.root}
                    for t in tiles
                ),
            )
        await uow.execute(
            store.MOVE_HEAD,
            tenant_id=tenant_id,
            size=frontier.size,
            frontier=frontier.to_bytes(),
            now=uow.clock.now(),
        )

    async def _sign_due(self, uow: "UnitOfWork") -> int:
        """Sign logs that grew and were not signed within the last second, and silent ones hourly."""
        now = uow.clock.now()
        due = await uow.all(
            store.DUE, not_since=now - SIGN_AT_MOST_EVERY, heartbeat=now - SIGN_AT_LEAST_EVERY, limit=500
        )
        values: list[dict[str, Any]] = []
        for head in due:
            frontier = Frontier.from_bytes(head["frontier"])
            root = frontier.root()
            contradicts = head["signed_size"] == head["size"] and head["signed_root"] != root
            if frontier.size != head["size"] or (head["signed_size"] or 0) > head["size"] or contradicts:
                msg = f"the log of tenant {head['tenant_id']} contradicts its checkpoint of size {head['signed_size']}"
                raise LogBroken(msg)
            note = Checkpoint(origin_of(self._origin, head["tenant_id"]), frontier.size, root).sign(self._keys)
            values.append(
                {"tenant_id": head["tenant_id"], "size": frontier.size, "root": root, "note": note, "signed_at": now}
            )
        if values:
            await uow.execute_many(store.INSERT_CHECKPOINT, values)
            await uow.execute_many(store.MARK_SIGNED, values)
        return len(values)


def origin_of(origin: str, tenant_id: UUID) -> str:
    """The name of a tenant's log in its checkpoints and verifier keys."""
    return f"{origin}/t/{tenant_id}"


LOCK = Statement.text("SELECT pg_try_advisory_lock($1)", "key")
