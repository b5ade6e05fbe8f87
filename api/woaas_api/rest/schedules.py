"""Schedule runs, private solves, schedules and their slots."""

from typing import Any

import msgspec

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import FEED, Query, route
from woaas_api.rest.schemas.schedules import (
    Comparison,
    Gantt,
    LateOrder,
    ScheduleRunView,
    ScheduleView,
    SlotView,
    SolveView,
)
from woaas_api.streams import stream_route
from woaas_core.errors import InvalidCursor
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.problem import Problem
from woaas_solver_farm.schedules import comparing, repository, requests, service
from woaas_solver_farm.schedules.gantt import gantt
from woaas_solver_farm.schedules.inputs import NewScheduleRun, PublishBody
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN, SLOT

TAG = "Scheduling"
MAX_PROBLEM_BYTES = 32 << 20


def show_run(principal: Principal, row: Any) -> dict[str, Any]:
    """A run as the caller may see it."""
    return principal.show(principal.access(SCHEDULE_RUN), row)


def show_solve(principal: Principal, row: Any) -> dict[str, Any]:
    """A private solve, with its result for those who may see a run's figures."""
    return show_run(principal, row) | service.result_member(principal, row)


def show_schedule(principal: Principal, row: Any) -> dict[str, Any]:
    """A schedule as the caller may see it."""
    return principal.show(principal.access(SCHEDULE), row)


@route("POST", "/schedule-runs", tag=TAG, status=202)
async def create_schedule_run(call: Call, body: NewScheduleRun) -> Answer[ScheduleRunView]:
    """Plan: queue a run over the open orders.

    While the same run is queued or being solved, that one is answered. Metrics of the policy that `weights` names
    take those weights.
    """
    row = await requests.request_run(call.uow, call.principal, body)
    return Answer(show_run(call.principal, row), 202, f"/v1/schedule-runs/{encode_id('run', row['id'])}")


@route("GET", "/schedule-runs", tag=TAG)
async def list_schedule_runs(call: Call) -> Answer[Listed[ScheduleRunView]]:
    """List runs, newest first; private solves are not among them."""
    return await call.page(SCHEDULE_RUN, where=[repository.plans_only()], values={"plan_kind": "plan"})


@route("GET", "/schedule-runs/{key}", tag=TAG)
async def get_schedule_run(call: Call, key: str) -> Answer[ScheduleRunView]:
    """Read a run."""
    return Answer(show_run(call.principal, await service.get_run(call.uow, call.principal, decode_id("run", key))))


@route("POST", "/schedule-runs/{key}/stop", tag=TAG, status=202)
async def stop_schedule_run(call: Call, key: str) -> Answer[ScheduleRunView]:
    """Stop a run and keep its best plan."""
    row = await service.stop(call.uow, call.principal, decode_id("run", key))
    return Answer(show_run(call.principal, row), 202)


@stream_route("/schedule-runs/{key}/events", tag=TAG, prefix="run")
async def follow_schedule_run(call: Call, key: str) -> Answer[ScheduleRunView]:
    """Follow a run as server-sent events: one `progress` with the run at each change, the last one is `ended`.

    With `Last-Event-ID` nothing is sent twice; 204 when all has been seen.
    """
    row = await service.get_run(call.uow, call.principal, decode_id("run", key))
    return Answer(show_run(call.principal, row), headers={"Woaas-Ended": "1"} if row["finished_at"] else {})


@route("POST", "/solve", tag=TAG, status=202, max_body_bytes=MAX_PROBLEM_BYTES)
async def create_solve(call: Call, body: Problem) -> Answer[SolveView]:
    """Solve a problem of your own; it is private and kept for 24 hours."""
    row = await requests.request_solve(call.uow, call.principal, body)
    return Answer(show_solve(call.principal, row), 202, f"/v1/solve/{encode_id('run', row['id'])}")


@route("GET", "/solve/{key}", tag=TAG)
async def get_solve(call: Call, key: str) -> Answer[SolveView]:
    """Read a private solve, with its `result` once it has ended."""
    row = await service.get_run(call.uow, call.principal, decode_id("run", key), kind="solve")
    return Answer(show_solve(call.principal, row))


@route("POST", "/solve/{key}/stop", tag=TAG, status=202)
async def stop_solve(call: Call, key: str) -> Answer[SolveView]:
    """Stop a private solve and keep its best plan."""
    row = await service.stop(call.uow, call.principal, decode_id("run", key))
    return Answer(show_solve(call.principal, row), 202)


@route("GET", "/schedules", tag=TAG)
async def list_schedules(call: Call) -> Answer[Listed[ScheduleView]]:
    """List plans, newest first; `state=published` is the one in force."""
    return await call.page(SCHEDULE)


@route("GET", "/schedules/{key}", tag=TAG)
async def get_schedule(call: Call, key: str) -> Answer[ScheduleView]:
    """Read a plan."""
    row = await service.get_schedule(call.uow, call.principal, decode_id("sch", key))
    return Answer(show_schedule(call.principal, row))


@route("GET", "/schedules/{key}/slots", tag=TAG)
async def list_slots(call: Call, key: str) -> Answer[Listed[SlotView]]:
    """List the places of a plan; each says in `reasons` what holds its start."""
    row = await service.get_schedule(call.uow, call.principal, decode_id("sch", key))
    return await call.page(SLOT, where=[repository.of_schedule()], values={"schedule_key": row["id"]})


@route("GET", "/schedules/{key}/gantt", tag=TAG)
async def get_gantt(call: Call, key: str) -> Answer[Gantt]:
    """Read a plan as rows of bars by work center: planned beside actual."""
    return Answer(await gantt(call.uow, call.principal, decode_id("sch", key)))


@route("POST", "/schedules/{key}/publish", tag=TAG)
async def publish_schedule(call: Call, key: str, body: PublishBody) -> Answer[ScheduleView]:
    """Make a proposed plan the one the floor works by; the one before is superseded."""
    schedule_id = decode_id("sch", key)
    if call.request.headers.get("if-match"):
        row = await service.get_schedule(call.uow, call.principal, schedule_id, lock=True)
        call.require_match(lambda: show_schedule(call.principal, row))
    call.uow.reason = None if body.reason is msgspec.UNSET else body.reason
    return Answer(show_schedule(call.principal, await service.publish(call.uow, call.principal, schedule_id)))


@route("POST", "/schedules/{key}/slots/{slot}/pin", tag=TAG)
async def pin_slot(call: Call, key: str, slot: str, body: PublishBody) -> Answer[SlotView]:
    """Pin a place: plans made against this one keep it, machine and time, until it is unpinned."""
    return await _pin(call, key, slot, body, pinned=True)


@route("POST", "/schedules/{key}/slots/{slot}/unpin", tag=TAG)
async def unpin_slot(call: Call, key: str, slot: str, body: PublishBody) -> Answer[SlotView]:
    """Unpin a place: the next plan may move it again."""
    return await _pin(call, key, slot, body, pinned=False)


async def _pin(call: Call, key: str, slot: str, body: PublishBody, *, pinned: bool) -> Answer[SlotView]:
    call.uow.reason = None if body.reason is msgspec.UNSET else body.reason
    schedule_id, slot_id = decode_id("sch", key), decode_id("slt", slot)
    row = await service.pin(call.uow, call.principal, schedule_id, slot_id, pinned=pinned)
    return Answer(call.principal.show(call.principal.access(SLOT), row))


@route(
    "GET",
    "/schedules/{key}/compare",
    tag=TAG,
    query=[Query("with", "Another schedule's id, `fifo` or `edd`", is_required=True)],
)
async def compare_schedules(call: Call, key: str) -> Answer[Comparison]:
    """Compare a plan with another one, or with what first-in-first-out or earliest-due-date would have made.

    Figures side by side (minutes; `change` is this plan's minus the other's), how many operations have another place,
    and the orders that end at another time. The plain rules' plans are made with the plan, of the same problem.
    """
    other = call.request.query_params.get("with")
    return Answer(await comparing.compare(call.uow, call.principal, decode_id("sch", key), other))


@route("GET", "/schedules/{key}/late-orders", tag=TAG, paging=FEED)
async def list_late_orders(call: Call, key: str) -> Answer[Listed[LateOrder]]:
    """List the late orders of a plan, the worst first, each with the chain of operations that makes it late.

    A chain goes from the first cause to the order's end; every link is a place with the reasons that hold it. An order
    without an end has an operation without a place.
    """
    asked = call.feed_query()
    bound_to = f"late|{key}|{call.principal.id}"
    offset = 0
    if asked.cursor is not None:
        (start,) = call.edge.cursors.open(asked.cursor, bound_to=bound_to)
        if not isinstance(start, int):
            raise InvalidCursor
        offset = start
    found = await comparing.late_orders(
        call.uow, call.principal, decode_id("sch", key), offset=offset, limit=asked.limit + 1
    )
    more = len(found) > asked.limit
    cursor = call.edge.cursors.seal([offset + asked.limit], bound_to=bound_to) if more else None
    return Answer({"data": found[: asked.limit], "next_cursor": cursor})


ROUTES = (
    create_schedule_run,
    list_schedule_runs,
    get_schedule_run,
    stop_schedule_run,
    follow_schedule_run,
    create_solve,
    get_solve,
    stop_solve,
    list_schedules,
    get_schedule,
    list_slots,
    get_gantt,
    publish_schedule,
    pin_slot,
    unpin_slot,
    compare_schedules,
    list_late_orders,
)
