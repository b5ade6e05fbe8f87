"""Replanning: delays and breakdowns of the floor lead to one new plan, not to one each."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from woaas_core.events.readers import LoggedEvent, Reader
from woaas_core.ids import decode_id, encode_id
from woaas_solver_farm.exceptions.watching import WATCHED, watch
from woaas_solver_farm.plant import CLOSED_STATES
from woaas_solver_farm.schedules import events, replan_rows, repository
from woaas_solver_farm.schedules.definitions import DEFAULT_POLICY, with_policy
from woaas_solver_farm.schedules.requests import enqueue_plan
from woaas_work_orders.resources import repository as master_data

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

# A report counts as late when it ends this share of the planned time after the planned end.
OVERRUN = 0.2
OVERRUNS = 3
# A new plan waits this long for more of the same before it is made.
DEBOUNCE = timedelta(seconds=10)
_KEPT = ("weights", "horizon", "frozen", "seed", "time_limit")


async def replan(uow: "UnitOfWork", event: LoggedEvent) -> None:
    """Note what an event means for the plan in force; ask for a new one when it is worth it.

    A breakdown or a work center that goes down is at once, delays are the third time. While the new plan waits to be
    made, further causes join it.
    """
    plan = await repository.published(uow)
    if plan is None:
        return
    kind = await _cause(uow, event)
    if kind is None:
        return
    at = msgspec.to_builtins(event.recorded_at)
    causes = [{"kind": kind, "subject": event.subject, "event_id": encode_id("evt", event.id), "at": at}]
    if await replan_rows.add_to_waiting(uow, causes):
        return
    request = await replan_rows.gather(uow, causes)
    if is_due(request["causes"]):
        await _request(uow, plan, request)


def is_due(causes: Sequence[dict[str, str]]) -> bool:
    """Whether what was gathered is worth a new plan."""
    delays = sum(cause["kind"] == "overrun" for cause in causes)
    return delays >= OVERRUNS or delays < len(causes)


async def _cause(uow: "UnitOfWork", event: LoggedEvent) -> str | None:
    """``breakdown``, ``down`` or ``overrun``; None for what goes as planned."""
    if event.type == "work_center.changed":
        code = str(event.data["code"])
        center = await master_data.find(uow, "work_center", code)
        is_closed = center is not None and center["body"].get("state") in CLOSED_STATES
        return "down" if is_closed and await replan_rows.has_planned_work(uow, code) else None
    if event.data.get("historical"):
        return None
    report = await replan_rows.reported(uow, decode_id("rep", str(event.data["report_id"])))
    if report is None:
        return None
    if report["kind"] == "breakdown":
        return "breakdown"
    start, end = report["planned_start_at"], report["planned_end_at"]
    is_late = end is not None and report["ended_at"] > end + (end - start) * OVERRUN
    return "overrun" if is_late else None


async def _request(uow: "UnitOfWork", plan: "Record", request: "Record") -> None:
    """Queue a plan as the one in force was asked for, with it as baseline."""
    run = await repository.get_run(uow, plan["run_id"])
    asked: dict[str, Any] = {n: run["params"][n] for n in _KEPT} if run is not None else {}
    params = await with_policy(uow, plan["policy"] or DEFAULT_POLICY, asked | {"priority": 2})
    made, _ = await enqueue_plan(uow, params, not_before=uow.clock.now() + DEBOUNCE)
    await replan_rows.answer(uow, request["id"], made["id"])
    uow.record(
        events.REPLAN_REQUESTED,
        subject=encode_id("sch", plan["id"]),
        data={"run_id": encode_id("run", made["id"]), "causes": request["causes"]},
    )


READERS: tuple[Reader, ...] = (
    Reader(
        "replanning",
        frozenset({"operation.reported", "work_center.changed"}),
        replan,
        start="head",
    ),
    Reader("exceptions", frozenset(WATCHED), watch),
)
