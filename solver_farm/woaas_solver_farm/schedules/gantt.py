"""A schedule as rows of bars: what is planned on each work center beside what really happened there."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.schedules import repository
from woaas_solver_farm.schedules.resources import SLOT
from woaas_solver_farm.schedules.service import get_schedule
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_OPERATION_FIELDS = ("name", "sequence", "state")


async def gantt(uow: "UnitOfWork", principal: Principal, schedule_id: UUID) -> dict[str, Any]:
    """The chart's window and rows; members of a bar that the caller may not read are left out.

    An actual bar without an end is still running.
    """
    schedule = await get_schedule(uow, principal, schedule_id)
    slot_access = principal.require(SLOT, "read")
    operation = principal.access(OPERATION).readable
    order = principal.access(WORK_ORDER).readable
    sees_work = {"work_center", "started_at", "ended_at"} <= operation
    rows: dict[str | None, list[dict[str, Any]]] = {}
    for r in await repository.bars(uow, schedule_id):
        about = {n: r[n] for n in _OPERATION_FIELDS if n in operation}
        about |= {n: r[n] for n in ("number", "due_at") if n in order}
        if "due_at" in about:
            about["late"] = r["due_at"] is not None and r["end_at"] > r["due_at"]
        planned = principal.project(slot_access, r)
        rows.setdefault(r["work_center"], []).append({"kind": "planned", **planned, **about})
        if sees_work and r["started_at"] is not None:
            actual = {
                "kind": "actual",
                "operation_id": encode_id("op", r["operation_id"]),
                "work_order_id": encode_id("wo", r["work_order_id"]),
                "start_at": r["started_at"],
                "end_at": r["ended_at"],
                **about,
            }
            rows.setdefault(r["actual_work_center"] or r["work_center"], []).append(actual)
    ordered = sorted(rows.items(), key=lambda item: (item[0] is None, item[0] or ""))
    return {
        "schedule_id": encode_id("sch", schedule_id),
        "start_at": schedule["start_at"],
        "end_at": schedule["end_at"],
        "rows": [{"work_center": code, "bars": bars} for code, bars in ordered],
    }
