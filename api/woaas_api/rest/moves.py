"""Moving an operation in a plan: first as a question, then for good."""

from typing import Any

from woaas_api.answers import Answer, Awaited
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.rest.schedules import TAG, show_schedule
from woaas_api.rest.schemas.inquiries import MoveView
from woaas_core.errors import Infeasible, NotFound, StaleETag, UnknownParameter
from woaas_core.ids import decode_id, encode_id
from woaas_solver_farm.inquiries.inputs import MoveBody
from woaas_solver_farm.inquiries.requests import ask_move
from woaas_solver_farm.inquiries.views import find_move, show_move
from woaas_solver_farm.schedules import service


@route(
    "POST",
    "/schedules/{key}/moves",
    tag=TAG,
    also=(201, 202),
    query=(Query("dry_run", "true: only say what would come of it", type="boolean"),),
)
async def create_move(call: Call, key: str, body: MoveBody) -> Answer[MoveView]:
    """Move an operation to a work center and start; what is in the way makes room, frozen work never.

    A dry run answers `feasible` with a `refusal` where it is not, who moves, which orders end at another time and what
    becomes of each metric. Otherwise a new proposed plan is made, with the operation pinned: 201 with its place in
    `Location`, 409 `infeasible` where it cannot be. Answered within two seconds, else 202 with `status`.
    """
    dry_run = _dry_run(call)
    schedule = await service.get_schedule(call.uow, call.principal, decode_id("sch", key), lock=not dry_run)
    call.require_match(lambda: show_schedule(call.principal, schedule))
    run = await ask_move(call.uow, call.principal, schedule, body, dry_run=dry_run)
    location = f"/v1/schedules/{encode_id('sch', schedule['id'])}/moves/{encode_id('run', run['id'])}"

    async def then(later: Call) -> Answer[Any]:
        found = await service.get_run(later.uow, later.principal, run["id"], kind="inquiry")
        shown = show_move(later.principal, found)
        if dry_run:
            return Answer(shown)
        _require_done(shown)
        return Answer(shown, 201, f"/v1/schedules/{shown['schedule_id']}")

    return Answer(
        show_move(call.principal, run), 202, location, awaited=Awaited(run["id"], encode_id("run", run["id"]), then)
    )


@route("GET", "/schedules/{key}/moves/{run}", tag=TAG)
async def get_move(call: Call, key: str, run: str) -> Answer[MoveView]:
    """Read what came of a move that took longer; kept for 24 hours."""
    row = await find_move(call.uow, call.principal, decode_id("run", run))
    if row["params"]["ask"].get("schedule_id") != key:
        raise NotFound
    return Answer(show_move(call.principal, row))


def _dry_run(call: Call) -> bool:
    asked = dict(call.request.query_params.multi_items())
    unknown = sorted(set(asked) - {"dry_run"})
    if unknown or asked.get("dry_run", "false") not in ("true", "false"):
        msg = f"There is no {unknown[0]!r} here." if unknown else "dry_run is true or false."
        raise UnknownParameter(msg)
    return asked.get("dry_run") == "true"


def _require_done(shown: dict[str, Any]) -> None:
    if shown.get("refusal") == "stale":
        raise StaleETag
    if not shown.get("feasible"):
        msg = f"The operation cannot be there: {shown.get('refusal') or shown.get('error')}."
        raise Infeasible(msg, members={"refusal": shown.get("refusal")})


ROUTES = (create_move, get_move)
