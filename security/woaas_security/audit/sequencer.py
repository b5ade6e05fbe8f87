"""The one writer of the log: gives pending events their index, grows the tree, signs checkpoints.

One batch is one transaction: queue rows go, log rows, tiles and the tree's edge come. A crash at any moment leaves
either all of it or none. What is signed was committed before, so that no size can have two roots: first the journal
outside of the database has the note, then the table. Two sequencers cannot both work: a session lock keeps the second
waiting, and the epoch fences off one that lost its connection and does not know yet.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.telemetry import logger
from woaas_security.audit import store
from woaas_security.audit.checkpoint import Checkpoint
from woaas_security.audit.continuity import Continuity, LogBroken
from woaas_security.audit.journal import SignedJournal
from woaas_security.audit.keys import KeyRing
from woaas_security.audit.tiles import full_tiles, open_tiles_to_fill
from woaas_security.audit.tree import Frontier

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)
BATCH = 5_000
SIGN_AT_MOST_EVERY = timedelta(seconds=1)
# So that between two checkpoints there is never an hour.
SIGN_AT_LEAST_EVERY = timedelta(minutes=55)
LOCK_KEY = 0x574F_4153  # "WOAS": the session lock of the working sequencer


class Fenced(Exception):
    """Another sequencer has taken over; this one must stop."""


class Batch(NamedTuple):
    """What a step did."""

    sequenced: int
    signed: int


class Sequencer:
    """Sequences every tenant's pending events; ``open`` must have succeeded before ``step``.

    ``broken`` are the logs that contradict what was signed, with the reason: they are frozen, the others go on.
    """

    def __init__(self, database: Database, keys: KeyRing, journal: SignedJournal, *, origin: str) -> None:
        self.broken: dict[UUID, LogBroken] = {}
        self._database = database
        self._keys = keys
        self._journal = journal
        self._origin = origin
        self._continuity = Continuity(journal, keys.known, origin)
        self._epoch: int | None = None

    async def open(self) -> None:
        """Take over: raise the fence's epoch, read what was signed, publish our public keys.

        A log that lost entries is frozen here, before it can grow into another one.
        """
        async with self._database.unit_of_work() as uow:
            self._epoch = await uow.value(store.RAISE_EPOCH)
            self._journal.read()
            await self._publish(uow, uow.clock.now())
            signed = [store.tenant_of(self._origin, name) for name in self._journal.origins()]
            heads = await uow.all(store.SIGNED_HEADS, tenants=[one for one in signed if one is not None])
            self._freeze_broken(await self._continuity.extend(uow, heads))

    async def use(self, keys: KeyRing) -> None:
        """Sign with these keys from now on, and publish them."""
        self._keys = keys
        self._continuity.use(keys.known)
        async with self._database.unit_of_work() as uow:
            await self._check_fence(uow)
            await self._publish(uow, uow.clock.now())

    async def step(self, batch: int = BATCH) -> Batch:
        """Sequence one batch and sign what is due.

        Raises:
            Fenced: another sequencer works.
        """
        async with self._database.unit_of_work() as uow:
            await self._check_fence(uow)
            rows = await uow.all(store.TAKE_PENDING, limit=batch, frozen=list(self.broken))
            by_tenant: dict[UUID, list[Record]] = defaultdict(list)
            for row in rows:
                by_tenant[row["tenant_id"]].append(row)
            heads = await self._heads(uow, list(by_tenant))
            for tenant_id, entries in by_tenant.items():
                await self._append(uow, tenant_id, heads.get(tenant_id), entries)
            if rows:
                await uow.value(store.NOTIFY, channel=store.CHANNEL)
        return Batch(len(rows), await self._sign_due())

    async def _publish(self, uow: "UnitOfWork", now: datetime) -> None:
        used = [key.verifier.public for key in self._keys.signing]
        await uow.execute_many(store.PUBLISH_KEY, ({"public_key": public, "now": now} for public in used))
        await uow.execute(store.RETIRE_KEYS, used=used, now=now)

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

    async def _sign_due(self) -> int:
        """Sign logs that grew and were not signed within the last second, and silent ones hourly."""
        async with self._database.unit_of_work() as uow:
            now = uow.clock.now()
            due = await uow.all(
                store.DUE,
                not_since=now - SIGN_AT_MOST_EVERY,
                heartbeat=now - SIGN_AT_LEAST_EVERY,
                limit=500,
                frozen=list(self.broken),
            )
            if not due:
                return 0
            await self._check_fence(uow)
            shown = await self._continuity.extend(uow, due)
            self._freeze_broken(shown)
            values = [
                self._signed(tenant_id, edge, now) for tenant_id, edge in shown.items() if isinstance(edge, Frontier)
            ]
            if values:
                self._journal.append(value["note"] for value in values)
                await uow.execute_many(store.INSERT_CHECKPOINT, values)
                await uow.execute_many(store.MARK_SIGNED, values)
                await uow.value(store.NOTIFY, channel=store.CHANNEL)
        return len(values)

    def _signed(self, tenant_id: UUID, edge: Frontier, now: datetime) -> dict[str, Any]:
        root = edge.root()
        note = Checkpoint(store.origin_of(self._origin, tenant_id), edge.size, root).sign(self._keys.signing, now)
        return {"tenant_id": tenant_id, "size": edge.size, "root": root, "note": note, "signed_at": now}

    def _freeze_broken(self, shown: dict[UUID, Frontier | LogBroken]) -> None:
        for tenant_id, outcome in shown.items():
            if isinstance(outcome, LogBroken):
                self.broken[tenant_id] = outcome
                log.error("audit.log.broken", tenant_id=str(tenant_id), reason=str(outcome))


LOCK = Statement.text("SELECT pg_try_advisory_lock($1)", "key")
