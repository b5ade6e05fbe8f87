"""The plans of active tenants in memory: read when first asked, kept true by the log, the least used dropped."""

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.db.database import DATABASE_LOST, Database
from woaas_core.ids import encode_id
from woaas_core.telemetry import logger
from woaas_solver_farm.farm.tenants import inside
from woaas_solver_farm.inquiries import rows
from woaas_solver_farm.inquiries.kept import KeptPlan
from woaas_solver_farm.inquiries.reading import read
from woaas_solver_farm.schedules import repository
from woaas_solver_farm.snapshot import Reservation
from woaas_work_orders.promises import repository as promises

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

log = logger(__name__)

# Some 1.5 kB each.
MOST_OPERATIONS = 200_000
# Work that goes on makes a plan old, but not wrong: it is read anew beside the questions, and no more often.
REFRESH_AFTER_S = 30.0
OLDEST_S = 600.0
_EVENTS_AT_ONCE = 500
# The place is no longer needed; all other events of operations and orders change what a plan would be, not what it is.
_ENDED = ("operation.completed", "operation.skipped", "operation.cancelled", "operation.aborted")
_PLANT = (".changed", ".archived")

Key = tuple[UUID, UUID | None]


class Plans:
    """What the short lane remembers, by tenant and schedule; None is a tenant that has published nothing yet."""

    def __init__(self, database: Database, *, most_operations: int = MOST_OPERATIONS) -> None:
        self._database = database
        self._most = most_operations
        self._kept: OrderedDict[Key, KeptPlan] = OrderedDict()
        self._loading: dict[Key, asyncio.Lock] = {}
        self._refreshing: dict[Key, asyncio.Task[None]] = {}
        self._expecting: set[asyncio.Task[None]] = set()

    async def current(self, tenant_id: UUID, schedule_id: UUID | None, *, fresh: bool = False) -> KeptPlan:
        """The plan as it is now; without a schedule the published one. ``fresh`` reads it anew if anything happened.

        Raises:
            LookupError: there is no such schedule.
        """
        async with inside(self._database, tenant_id) as uow:
            if schedule_id is None:
                published = await repository.published(uow)
                schedule_id = published["id"] if published else None
            key = (tenant_id, schedule_id)
            kept = self._kept.get(key)
            is_true = kept is not None and await self._catch_up(uow, kept)
        if kept is None or not is_true or (fresh and not kept.is_untouched):
            kept = await self._load(key, instead_of=kept)
        elif self._is_old(kept):
            self._refresh(key, kept)
        self._kept[key] = kept
        self._kept.move_to_end(key)
        self._forget_beyond(key)
        return kept

    def expect(self, tenant_id: UUID) -> None:
        """Read a plan just published before the first question comes, unless that may drive another tenant's out."""
        is_known = any(tenant == tenant_id for tenant, _ in self._kept)
        if is_known or 2 * self._size() < self._most:
            task = asyncio.create_task(self._read_early(tenant_id), name="plan-expected")
            self._expecting.add(task)
            task.add_done_callback(self._expecting.discard)

    def __contains__(self, key: Key) -> bool:
        return key in self._kept

    def put(self, tenant_id: UUID, schedule_id: UUID, kept: KeptPlan) -> None:
        """Remember a plan under the schedule it has become."""
        self._kept[tenant_id, schedule_id] = kept

    def forget(self, tenant_id: UUID, schedule_id: UUID | None) -> None:
        """Drop a plan that no longer is what is stored."""
        self._kept.pop((tenant_id, schedule_id), None)

    async def close(self) -> None:
        """Stop reading anew."""
        tasks = [*self._refreshing.values(), *self._expecting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def sync(self, uow: "UnitOfWork", kept: KeptPlan) -> None:
        """Hold what promises hold now, and no more."""
        held = await promises.held(uow)
        mark = await promises.mark(uow)
        found = [Reservation(r["id"], r["places"], r["expires_at"]) for r in held]
        await asyncio.to_thread(kept.sync, found, mark)

    async def _catch_up(self, uow: "UnitOfWork", kept: KeptPlan) -> bool:
        """Bring a plan up to the log; False if it has to be read anew before anything is asked of it."""
        schedule_id = kept.reading.schedule_id
        if schedule_id is not None:
            schedule = await repository.get_schedule(uow, schedule_id)
            if schedule is None or (schedule["version"] != kept.reading.version and schedule["state"] != "published"):
                return False
        size = await rows.log_size(uow)
        happened = await rows.events_between(uow, kept.cursor, size, limit=_EVENTS_AT_ONCE)
        if len(happened) == _EVENTS_AT_ONCE:
            return False
        over: list[tuple[str, str]] = []
        for event in happened:
            kind: str = event["type"]
            if kind.endswith(_PLANT) or kind in ("duration_model.promoted", "duration_model.restored"):
                return False
            if kind in _ENDED and event["work_order_id"]:
                over.append((encode_id("wo", event["work_order_id"]), event["subject"]))
            elif kind.startswith(("operation.", "work_order.")):
                kept.is_stale = True
        kept.cursor = size
        if over:
            await asyncio.to_thread(kept.drop, over)
        if any(e["type"].startswith("promise.") for e in happened) or kept.has_expired(uow.clock.now()):
            await self.sync(uow, kept)
        return True

    async def _load(self, key: Key, *, instead_of: KeptPlan | None) -> KeptPlan:
        async with self._loading.setdefault(key, asyncio.Lock()):
            known = self._kept.get(key)
            if known is not None and known is not instead_of:
                return known
            tenant_id, schedule_id = key
            async with inside(self._database, tenant_id) as uow:
                reading = await read(uow, schedule_id)
            kept = await asyncio.to_thread(KeptPlan, reading)
            self._kept[key] = kept
            log.info("inquiry.plan.loaded", tenant_id=str(tenant_id), operations=kept.size)
            return kept

    def _is_old(self, kept: KeptPlan) -> bool:
        age_s = asyncio.get_running_loop().time() - kept.loaded_at
        return age_s > OLDEST_S or (kept.is_stale and age_s > REFRESH_AFTER_S)

    def _refresh(self, key: Key, kept: KeptPlan) -> None:
        if key not in self._refreshing:
            task = asyncio.create_task(self._read_anew(key, kept), name="plan-refresh")
            self._refreshing[key] = task
            task.add_done_callback(lambda _: self._refreshing.pop(key, None))

    async def _read_early(self, tenant_id: UUID) -> None:
        try:
            await self.current(tenant_id, None)
        except DATABASE_LOST as error:
            log.warning("inquiry.plan.unreachable", error=str(error))

    async def _read_anew(self, key: Key, kept: KeptPlan) -> None:
        try:
            await self._load(key, instead_of=kept)
        except DATABASE_LOST as error:
            log.warning("inquiry.plan.unreachable", error=str(error))

    def _size(self) -> int:
        return sum(kept.size for kept in self._kept.values())

    def _forget_beyond(self, used: Key) -> None:
        while self._size() > self._most:
            oldest = next(iter(self._kept))
            if oldest == used:
                return
            del self._kept[oldest]
