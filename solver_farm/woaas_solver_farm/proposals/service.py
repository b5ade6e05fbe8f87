"""Use cases of proposals: look at one, accept it, reject it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.errors import InvalidTransition, NotFound
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.proposals import making, repository
from woaas_solver_farm.proposals.resources import PROPOSAL, PROPOSAL_CHANGE
from woaas_solver_farm.schedules import service as schedules
from woaas_solver_farm.schedules.repository import take_turn
from woaas_work_orders.orders.resources import WORK_ORDER

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_IN_FORCE = ("accepted", "edited")


async def get(uow: "UnitOfWork", principal: Principal, proposal_id: UUID, *, lock: bool = False) -> "Record":
    """A proposal.

    Raises:
        NotFound: missing.
    """
    principal.require(PROPOSAL, "read")
    row = await repository.get(uow, proposal_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def details(uow: "UnitOfWork", principal: Principal, proposal_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """What proposals change, by operation and by order, as far as the caller may see it; nothing of those hidden."""
    found: dict[UUID, dict[str, Any]] = {key: {} for key in proposal_ids}
    access = principal.access(PROPOSAL_CHANGE)
    if not access.sees_anything:
        return found
    for detail in found.values():
        detail["changes"] = []
    for change in await repository.changes(uow, proposal_ids):
        found[change["proposal_id"]]["changes"].append(principal.project(access, change))
    readable = principal.access(WORK_ORDER).readable
    if "completed_at" in readable:
        moved: dict[UUID, list[dict[str, Any]]] = {key: [] for key in proposal_ids}
        for row in await repository.orders(uow, proposal_ids):
            moved[row["proposal_id"]].append(_order(row))
        for key, orders in moved.items():
            off = [abs(one["deviation_minutes"]) for one in orders if one["deviation_minutes"] is not None]
            found[key]["orders"] = [
                {n: v for n, v in one.items() if n not in ("number", "due_at") or n in readable} for one in orders
            ]
            found[key]["completed_orders"] = len(off)
            found[key]["mean_deviation_minutes"] = round(sum(off) / len(off), 2) if off else None
    return found


async def show(uow: "UnitOfWork", principal: Principal, row: "Record") -> dict[str, Any]:
    """A proposal with what it changes, as the caller may see it."""
    shown = principal.show(principal.access(PROPOSAL), row)
    return shown | (await details(uow, principal, [row["id"]]))[row["id"]]


async def accept(uow: "UnitOfWork", principal: Principal, proposal_id: UUID) -> "Record":
    """Publish the proposed plan; accepting again changes nothing.

    Raises:
        InvalidTransition: it was rejected, or another plan was published meanwhile.
    """
    principal.require(PROPOSAL, "accept")
    # The turn of publications, taken before the proposal is read: publishing is what ends proposals.
    await take_turn(uow)
    row = await get(uow, principal, proposal_id)
    if row["state"] in _IN_FORCE:
        return row
    _require_open(row)
    await schedules.publish(uow, principal, row["schedule_id"])
    return await get(uow, principal, proposal_id)


async def reject(uow: "UnitOfWork", principal: Principal, proposal_id: UUID) -> "Record":
    """Keep the plan in force; the reason is the unit of work's. Rejecting again changes nothing.

    Raises:
        InvalidTransition: it was accepted, or another plan was published meanwhile.
    """
    principal.require(PROPOSAL, "reject")
    row = await get(uow, principal, proposal_id, lock=True)
    if row["state"] == "rejected":
        return row
    _require_open(row)
    row = await repository.reject(uow, proposal_id)
    making.record_end(uow, row)
    return row


def _require_open(row: "Record") -> None:
    if row["state"] != "open":
        msg = f"The proposal is {row['state']}; only an open one is decided on."
        raise InvalidTransition(msg, members={"state": row["state"], "allowed_commands": []})


def _order(found: "Record") -> dict[str, Any]:
    """An order's end as it was planned, as it is planned anew, and as it came; predicted is by the plan that held."""
    predicted: datetime | None = found["new_end_at" if found["state"] in _IN_FORCE else "old_end_at"]
    realised: datetime | None = found["completed_at"]
    off = (realised - predicted).total_seconds() / 60 if realised and predicted else None
    return {
        "work_order_id": encode_id("wo", found["id"]),
        "number": found["number"],
        "due_at": found["due_at"],
        "old_end_at": found["old_end_at"],
        "new_end_at": found["new_end_at"],
        "realised_end_at": realised,
        "deviation_minutes": None if off is None else round(off, 2),
    }
