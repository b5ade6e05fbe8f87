"""Schedule runs, private solves, schedules and their slots."""

from typing import Any

import msgspec

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.schedules import (
    Gantt,
    PolicyView,
    ScheduleRunView,
    ScheduleView,
    SlotView,
    SolveView,
)
from woaas_api.streams import stream_route
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.problem import Problem
from woaas_solver_farm.schedules import repository, requests, service
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


@route("GET", "/policies", tag=TAG, paging=())
async def list_policies(call: Call) -> Answer[Listed[PolicyView]]:
    """List the policies a plan can follow."""
    call.principal.require(SCHEDULE_RUN, "read")
    data = [{"code": code, "objective": objective} for code, objective in PRESETS.items()]
    return Answer({"data": data, "next_cursor": None})


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
    list_policies,
)
