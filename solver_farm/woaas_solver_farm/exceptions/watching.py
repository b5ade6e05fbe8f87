"""What needs a person, kept true by a reader of the log: after each event that may change it, found anew."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from uuid import UUID

from woaas_core.ids import decode_id, encode_id
from woaas_solver_farm.exceptions import rows
from woaas_solver_farm.schedules import repository
from woaas_work_orders.alerts.service import Finding, reconcile

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_core.events.readers import LoggedEvent

Watch = Callable[["UnitOfWork", UUID | None], Awaitable[None]]
# What of an order decides whether it is late, or more was made of it than ordered.
_MATTERS = frozenset({"due_at", "quantity"})


async def watch(uow: "UnitOfWork", event: "LoggedEvent") -> None:
    """Find anew whatever this event may have changed; orders that a plan marks are not looked at one by one."""
    if event.type == "work_order.updated" and _MATTERS.isdisjoint(_fields(event)):
        return
    if event.type.startswith("schedule_run.") and event.data.get("kind") != "plan":
        return
    order = event.work_order_id if event.type.startswith(("work_order.", "operation.", "report.")) else None
    for look in WATCHED[event.type]:
        await look(uow, order)


async def _proposals(uow: "UnitOfWork", _: UUID | None) -> None:
    found = []
    for row in await rows.open_proposals(uow):
        causes = ", ".join(sorted({cause["kind"] for cause in row["causes"]}))
        key, plan = encode_id("prp", row["id"]), encode_id("sch", row["schedule_id"])
        why = f"A plan that answers {causes} waits for a decision."
        links = [f"/v1/proposals/{key}", f"/v1/schedules/{plan}"]
        found.append(Finding(key, row["created_at"], why, links, response_time=row["response_time"]))
    await reconcile(uow, "proposal_waiting", found)


async def _runs(uow: "UnitOfWork", _: UUID | None) -> None:
    found = []
    for row in await rows.failed_runs(uow):
        key = encode_id("run", row["id"])
        found.append(Finding(key, row["finished_at"], f"It failed: {row['error']}", [f"/v1/schedule-runs/{key}"]))
    await reconcile(uow, "run_failed", found)


async def _late(uow: "UnitOfWork", order_id: UUID | None) -> None:
    found = []
    for row in await rows.late_orders(uow, order_id):
        key, plan = encode_id("wo", row["id"]), encode_id("sch", row["schedule_id"])
        links = [f"/v1/work-orders/{key}", f"/v1/schedules/{plan}/late-orders"]
        why = "The published plan ends it after its due time."
        found.append(Finding(key, row["published_at"], why, links, work_order_id=row["id"]))
    await reconcile(uow, "order_late", found, work_order_id=order_id)


async def _overflow(uow: "UnitOfWork", order_id: UUID | None) -> None:
    plan = await repository.published(uow)
    reasons: dict[UUID, set[str]] = {}
    for gap in plan["overflow"] if plan is not None else ():
        # What only comes late has a place, and an alert of its own.
        gap_of = decode_id("wo", gap["work_order_id"])
        if gap["reason"] != "late" and order_id in (None, gap_of):
            reasons.setdefault(gap_of, set()).add(gap["reason"])
    found = []
    for key in sorted(await rows.still_open(uow, list(reasons)) if reasons else ()):
        assert plan is not None
        text = encode_id("wo", key)
        why = f"The published plan has no place for it: {', '.join(sorted(reasons[key]))}."
        links = [f"/v1/work-orders/{text}", f"/v1/schedules/{encode_id('sch', plan['id'])}"]
        found.append(Finding(text, plan["published_at"], why, links, work_order_id=key))
    await reconcile(uow, "order_overflow", found, work_order_id=order_id)


async def _work_centers(uow: "UnitOfWork", _: UUID | None) -> None:
    found = []
    for row in await rows.closed_centers(uow):
        code = row["code"]
        links = [f"/v1/work-centers/{code}", f"/v1/operations?planned_work_center={code}"]
        found.append(Finding(code, row["updated_at"], f"It is {row['state']} and work is planned on it.", links))
    await reconcile(uow, "work_center_down", found)


async def _outdated(uow: "UnitOfWork", _: UUID | None) -> None:
    found = []
    for row in await rows.outdated_plans(uow):
        key = encode_id("sch", row["id"])
        why = "Another plan came into force after it was made."
        found.append(Finding(key, row["published_at"], why, [f"/v1/schedules/{key}"]))
    await reconcile(uow, "plan_outdated", found)


async def _quantities(uow: "UnitOfWork", order_id: UUID | None) -> None:
    if order_id is None:
        return
    operations = await rows.exceeded(uow, order_id)
    if not any(row["exceeded"] or row["known"] for row in operations):
        return
    found = []
    for row in operations:
        if row["exceeded"]:
            key, order = encode_id("op", row["id"]), encode_id("wo", row["work_order_id"])
            why = "More good pieces were reported than ordered."
            links = [f"/v1/operations/{key}", f"/v1/work-orders/{order}"]
            found.append(Finding(key, row["updated_at"], why, links, work_order_id=row["work_order_id"]))
    await reconcile(uow, "quantity_exceeded", found, work_order_id=order_id)


def _fields(event: "LoggedEvent") -> "list[str]":
    found = event.data.get("fields")
    return [str(name) for name in found] if isinstance(found, list) else []


_OF_ORDER: tuple[Watch, ...] = (_late, _overflow, _quantities)
WATCHED: dict[str, tuple[Watch, ...]] = {
    **{f"proposal.{s}": (_proposals,) for s in ("made", "accepted", "edited", "rejected", "expired")},
    **{f"schedule_run.{s}": (_runs,) for s in ("finished", "stopped", "failed")},
    "schedule.proposed": (_outdated,),
    "schedule.published": (_late, _overflow, _work_centers, _outdated),
    **{f"work_center.{s}": (_work_centers,) for s in ("changed", "archived")},
    **{f"{s}.{t}": (_quantities,) for s, t in (("operation", "reported"), ("report", "corrected"))},
    **{f"work_order.{s}": _OF_ORDER for s in ("updated", "completed", "reopened", "cancelled", "aborted")},
}
