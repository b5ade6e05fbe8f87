"""Reading what a plan needs: the snapshot of a claimed run, and how it is to be planned."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from woaas_core.db.statements import Row
from woaas_core.durations import parse_duration
from woaas_core.ids import decode_id, try_decode_id
from woaas_solver_farm.learning import repository as models
from woaas_solver_farm.learning import training
from woaas_solver_farm.learning.estimates import Durations
from woaas_solver_farm.problem import Limits, Objective
from woaas_solver_farm.scenarios import Changes, apply
from woaas_solver_farm.schedules import plan_rows, repository
from woaas_solver_farm.schedules.definitions import added_orders
from woaas_solver_farm.snapshot import Bodies, PlannedSlot, PlanRequest, Reservation, Snapshot
from woaas_work_orders.orders import repository as orders
from woaas_work_orders.orders.entities import Operation, WorkOrder
from woaas_work_orders.promises import repository as promises
from woaas_work_orders.resources import repository as master_data

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


async def read_snapshot(uow: "UnitOfWork", run: Row) -> Snapshot:
    """Everything the run's problem is built from, in one transaction.

    Orders that the run does not name but that the plan in force has placed are read too, with their places pinned:
    planning a few orders must not forget the others.
    """
    params: dict[str, Any] = run["params"]
    baseline_id = await _baseline_id(uow, params)
    names: list[str] | None = params["work_orders"]
    ids = [i for i in (try_decode_id("wo", n) for n in names or ()) if i is not None]
    heads = [
        WorkOrder.from_row(r)
        for r in await plan_rows.orders_to_plan(
            uow,
            numbers=names,
            ids=ids,
            baseline_id=baseline_id,
            include_forecast=params.get("include_forecast", False),
        )
    ]
    chosen = {h.id for h in heads if names is None or h.id in ids or h.number in names}
    rows = await orders.operations_of(uow, [h.id for h in heads])
    by_order = {
        order_id: [Operation.from_row(r) for r in group]
        for order_id, group in groupby(rows, key=lambda r: r["work_order_id"])
    }
    slots = await repository.slots_of(uow, baseline_id) if baseline_id else []
    baseline = _planned(slots, chosen)
    baseline += await _taken_over(uow, by_order, {s.operation_id for s in baseline})
    tools = await _bodies(uow, "tool")
    live = Snapshot(
        orders=[(head, by_order.get(head.id, ())) for head in heads],
        work_centers=await _bodies(uow, "work_center"),
        calendars=await _bodies(uow, "calendar"),
        operators=await _bodies(uow, "operator"),
        tools=tools,
        tool_use=await _tool_use(uow, tools),
        setup_matrices=await _bodies(uow, "setup_matrix"),
        lots=await _bodies(uow, "material_lot"),
        baseline=baseline,
        reservations=[Reservation(r["id"], r["places"], r["expires_at"]) for r in await promises.held(uow)],
        machine_groups=await plan_rows.machine_groups(uow),
        durations=await _durations(uow),
    )
    if not params["scenario"]:
        return live
    changes = msgspec.convert(params["changes"], Changes)
    added = await added_orders(uow, params["scenario"], changes)
    return apply(live, changes, added, start_of(run, uow.clock.now()))


def plan_request(run: "Record", now: datetime) -> PlanRequest:
    """How to plan: the run's parameters with "now" filled in."""
    params: dict[str, Any] = run["params"]
    limits = Limits(time_limit=run["time_limit"].total_seconds(), iterations=params["iterations"], seed=params["seed"])
    return PlanRequest(
        start_at=start_of(run, now),
        length=parse_duration(params["horizon"]),
        frozen=parse_duration(params["frozen"]),
        objective=msgspec.convert(params["objective"], Objective),
        limits=limits,
    )


def start_of(run: Row, now: datetime) -> datetime:
    """When the plan begins."""
    asked = run["params"]["start_at"]
    return msgspec.convert(asked, datetime) if asked else now


async def _baseline_id(uow: "UnitOfWork", params: dict[str, Any]) -> UUID | None:
    if params["baseline_schedule_id"]:
        return decode_id("sch", params["baseline_schedule_id"])
    published = await repository.published(uow)
    return published["id"] if published else None


async def _durations(uow: "UnitOfWork") -> Durations:
    """What the duration model in force knows, at its quantile."""
    model = await models.in_force(uow)
    return (await training.learned(uow, model["id"]))[1] if model else Durations()


def _planned(slots: "Sequence[Record]", chosen: set[UUID]) -> list[PlannedSlot]:
    return [
        PlannedSlot(
            operation_id=s["operation_id"],
            work_center=s["work_center"],
            operator=s["operator"],
            start_at=s["start_at"],
            end_at=s["end_at"],
            pinned=s["pinned"],
            kept=s["work_order_id"] not in chosen,
        )
        for s in slots
    ]


async def _taken_over(
    uow: "UnitOfWork", by_order: Mapping[UUID, Sequence[Operation]], placed: Set[UUID]
) -> list[PlannedSlot]:
    """The reserved places of orders that took a promise over and that no plan has placed yet: they are kept."""
    found: list[PlannedSlot] = []
    for promise in await promises.taken(uow, list(by_order)):
        by_sequence = {o.sequence: o for o in by_order[promise["work_order_id"]]}
        for place in promise["places"]:
            operation = by_sequence.get(place["sequence"])
            if operation is None or operation.id in placed:
                continue
            found.append(
                PlannedSlot(
                    operation_id=operation.id,
                    work_center=place["work_center"],
                    operator=place["operator"],
                    start_at=datetime.fromisoformat(place["start_at"]),
                    end_at=datetime.fromisoformat(place["end_at"]),
                    pinned=True,
                )
            )
    return found


async def _tool_use(uow: "UnitOfWork", tools: Bodies) -> dict[str, Decimal]:
    """The pieces reported with each tool that has a life."""
    counted = [code for code, body in tools.items() if body.get("life") is not None]
    return await plan_rows.tool_use(uow, counted) if counted else {}


async def _bodies(uow: "UnitOfWork", kind: str) -> Bodies:
    return {r["code"]: r["body"] for r in await master_data.in_use(uow, kind)}
