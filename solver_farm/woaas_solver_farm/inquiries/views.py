"""What came of a move, as a caller may see it."""

from collections.abc import Set
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.errors import NotFound
from woaas_core.ids import encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.schedules import service
from woaas_solver_farm.schedules.resources import SCHEDULE, SLOT
from woaas_work_orders.orders.resources import WORK_ORDER

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_PLACE = {"work_center", "operator", "setup_start_at", "start_at", "end_at"}
_FIGURES = frozenset({"metrics", "delta"})
MEMBERS = frozenset(
    {"error", "feasible", "refusal", "operation", "moved", "impacted", "schedule_id"} | _FIGURES,
)


async def find_move(uow: "UnitOfWork", principal: Principal, run_id: UUID) -> "Record":
    """The run of a move.

    Raises:
        NotFound: there is no such run, or it is of another question.
    """
    principal.require(SCHEDULE, "read")
    row = await service.get_run(uow, principal, run_id, kind="inquiry")
    if row["params"]["ask"].get("question") != "move":
        raise NotFound
    return row


def show_move(principal: Principal, run: Any) -> dict[str, Any]:
    """The run of a move with its answer, as far as the caller may see plans and orders."""
    shown: dict[str, Any] = {"id": encode_id("run", run["id"]), "livemode": principal.livemode, "status": run["status"]}
    if run["error"]:
        shown["error"] = run["error"]
    if run["result"] is None:
        return shown
    answer = msgspec.json.decode(run["result"], type=dict[str, Any])
    hidden = _PLACE - principal.access(SLOT).readable
    if "operation" in answer:
        answer["operation"] = _without(answer["operation"], hidden)
    for moved in answer.get("moved", ()):
        moved["before"] = _without(moved["before"], hidden)
        moved["after"] = _without(moved["after"], hidden) if moved["after"] else None
    if "due_at" not in principal.access(WORK_ORDER).readable:
        answer["impacted"] = [_without(i, {"due_at"}) for i in answer.get("impacted", ())]
    return {**shown, **_without(answer, hidden_members(principal))}


def hidden_members(principal: Principal) -> Set[str]:
    """The members of an answer that the caller never sees."""
    return frozenset() if "metrics" in principal.access(SCHEDULE).readable else _FIGURES


def _without(members: dict[str, Any], names: Set[str]) -> dict[str, Any]:
    return {n: v for n, v in members.items() if n not in names}
