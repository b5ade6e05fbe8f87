"""Two plans side by side, and why orders are late."""

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from woaas_core.errors import NotFound, UnknownParameter
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.schedules import order_rows
from woaas_solver_farm.schedules.order_rows import Baseline
from woaas_solver_farm.schedules.resources import SCHEDULE, SLOT
from woaas_solver_farm.schedules.service import get_schedule
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BASELINES = ("fifo", "edd")
# A chain is followed so far back; of a longer one the first cause and the last links are shown.
_LONGEST, _SHOWN = 300, 30


async def compare(uow: "UnitOfWork", principal: Principal, schedule_id: UUID, other: str | None) -> dict[str, Any]:
    """A schedule beside another one, or beside what a plain rule makes of the same problem.

    Only orders that differ are listed. What the caller may not see of schedules, places or orders is left out.

    Raises:
        NotFound: one of the two is missing, or no baseline was kept with this schedule.
        UnknownParameter: nothing to compare with.
    """
    if not other:
        msg = "Say what to compare with: `with` is another schedule's id, `fifo` or `edd`."
        raise UnknownParameter(msg)
    schedule = await get_schedule(uow, principal, schedule_id)
    if other in BASELINES:
        baseline = schedule["baselines"].get(other)
        if baseline is None:
            msg = "No baseline was kept with this schedule."
            raise NotFound(msg)
        moved = baseline["moved_operations"]
        rows = await order_rows.beside_baseline(uow, schedule_id, cast("Baseline", other))
    else:
        baseline = await get_schedule(uow, principal, decode_id("sch", other))
        moved = await order_rows.moved(uow, schedule_id, baseline["id"])
        rows = await order_rows.beside_schedule(uow, schedule_id, baseline["id"])
    found: dict[str, Any] = {"schedule_id": encode_id("sch", schedule_id), "with": other}
    readable = principal.access(SCHEDULE).readable
    if "metrics" in readable:
        found["metrics"] = {n: _beside(v, baseline["metrics"][n]) for n, v in schedule["metrics"].items()}
    if "utilisation" in readable:
        found["utilisation"] = _beside(schedule["utilisation"], baseline["utilisation"])
    if "end_at" in principal.access(SLOT).readable:
        orders = principal.access(WORK_ORDER).readable
        found["moved_operations"] = moved
        found["orders"] = [_order(row, orders) for row in rows]
    return found


async def late_orders(
    uow: "UnitOfWork", principal: Principal, schedule_id: UUID, *, offset: int, limit: int
) -> list[dict[str, Any]]:
    """Late orders, the worst first, each with the chain of operations from the first cause to its end."""
    await get_schedule(uow, principal, schedule_id)
    slot = principal.require(SLOT, "read")
    order = principal.access(WORK_ORDER).readable
    operation = principal.access(OPERATION).readable
    rows = await order_rows.late(uow, schedule_id, offset=offset, limit=limit)
    links = await order_rows.chains(uow, schedule_id, [r["work_order_id"] for r in rows], most=_LONGEST)
    chains = {late: list(group) for late, group in groupby(links, key=lambda r: r["late_id"])}

    def link(row: "Record") -> dict[str, Any]:
        shown = principal.project(slot, row)
        shown |= {n: row[n] for n in ("name", "sequence") if n in operation}
        return shown | {n: row[n] for n in ("number",) if n in order}

    found: list[dict[str, Any]] = []
    for row in rows:
        chain = chains.get(row["work_order_id"], []) if row["end_at"] is not None else []
        kept = chain if len(chain) <= _SHOWN else [chain[0], *chain[1 - _SHOWN :]]
        about: dict[str, Any] = {"work_order_id": encode_id("wo", row["work_order_id"])}
        about |= {n: row[n] for n in ("number", "due_at") if n in order}
        if "end_at" in slot.readable:
            about["end_at"] = row["end_at"]
            if "due_at" in order:
                about["lateness_minutes"] = _minutes(row["end_at"], row["due_at"])
        found.append({**about, "chain": [link(r) for r in kept], "links_left_out": len(chain) - len(kept)})
    return found


def _beside(value: float | None, other: float | None) -> dict[str, float | None]:
    change = None if value is None or other is None else round(value - other, 6)
    return {"value": value, "other": other, "change": change}


def _order(row: "Record", readable: frozenset[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"work_order_id": encode_id("wo", row["work_order_id"])}
    if "number" in readable:
        found["number"] = row["number"]
    found |= {
        "end_at": row["end_at"],
        "other_end_at": row["other_end_at"],
        "difference_minutes": _minutes(row["end_at"], row["other_end_at"]),
    }
    if "due_at" in readable:
        found["due_at"] = row["due_at"]
        found["lateness_minutes"] = _late(row["end_at"], row["due_at"])
        found["other_lateness_minutes"] = _late(row["other_end_at"], row["other_due_at"])
    return found


def _minutes(end: datetime | None, other: datetime | None) -> int | None:
    return None if end is None or other is None else round((end - other).total_seconds() / 60)


def _late(end: datetime | None, due: datetime | None) -> int | None:
    """Minutes after the due time; none for an order without one or without an end."""
    minutes = _minutes(end, due)
    return None if minutes is None else max(0, minutes)
