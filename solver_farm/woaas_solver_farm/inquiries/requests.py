"""Asking: a question becomes a run of kind ``inquiry``, and the solver's short lane hears of it."""

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from woaas_core.errors import InvalidTransition, NotFound
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.principal import Principal
from woaas_solver_farm.inquiries.inputs import MoveBody, MoveQuestion, PromiseQuestion, Question
from woaas_solver_farm.schedules import queue, repository
from woaas_solver_farm.schedules.definitions import DEFAULTS
from woaas_solver_farm.schedules.requests import PRIVATE_LIFE, record_requested, run_values
from woaas_solver_farm.schedules.resources import SCHEDULE
from woaas_work_orders.orders.creation import preview
from woaas_work_orders.orders.repository import get_operation
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.promises import events
from woaas_work_orders.promises import repository as promises
from woaas_work_orders.promises.inputs import NewPromise
from woaas_work_orders.promises.resources import PROMISE

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_TIME = timedelta(seconds=10)
_HOLD, _LONGEST_HOLD = "P2D", timedelta(days=30)


async def ask_promise(uow: "UnitOfWork", principal: Principal, body: NewPromise) -> "Record":
    """Note a promise to be answered; returns it, pending.

    Raises:
        Invalid: an order that could not be entered, or a time to hold out of range.
    """
    principal.require(PROMISE, "create")
    sent = given(body.work_order)
    of_class = {"data_class": sent.get("data_class")}
    orders, operations = principal.access(WORK_ORDER).of(of_class), principal.access(OPERATION).of(of_class)
    orders.check_writable({n: v for n, v in sent.items() if n not in ("operations", "release")}, at="/work_order")
    order = await preview(uow, body.work_order)
    for i, step in enumerate(body.work_order.operations or () if body.work_order.operations is not UNSET else ()):
        operations.check_writable(given(step), at=f"/work_order/operations/{i}")
    hold_for = duration_of(_HOLD if body.hold_for is UNSET else body.hold_for, "/hold_for")
    if not timedelta(minutes=1) <= hold_for <= _LONGEST_HOLD:
        raise invalid("/hold_for", "invalid", "From PT1M to P30D.")
    promise_id, now = uuid7(), uow.clock.now()
    run = await _enqueue(uow, PromiseQuestion(encode_id("prm", promise_id)), {})
    await promises.insert(
        uow,
        {
            "id": promise_id,
            "mode": body.mode,
            "state": "pending",
            "work_order": msgspec.to_builtins(body.work_order),
            "product": order.head.product,
            "priority": order.head.priority,
            "due_at": order.head.due_at,
            "promised_at": None,
            "confidence": None,
            "impacted": [],
            "places": [],
            "quote": None,
            "refusal": None,
            "run_id": run["id"],
            "work_order_id": None,
            "hold_for": hold_for,
            "expires_at": None,
            "version": 1,
            "created_at": now,
            "updated_at": now,
        },
    )
    uow.record(
        events.PROMISE_REQUESTED,
        subject=encode_id("prm", promise_id),
        version=(None, 1),
        data={"mode": body.mode, "run_id": encode_id("run", run["id"])},
        changes={"product": order.head.product, "priority": order.head.priority},
    )
    row = await promises.get(uow, promise_id)
    assert row is not None
    return row


async def ask_move(
    uow: "UnitOfWork", principal: Principal, schedule: "Record", body: MoveBody, *, dry_run: bool
) -> "Record":
    """Queue the question what a move would mean, or the move itself; returns its run.

    Raises:
        Invalid: an operation that the plan has no place for.
        InvalidTransition: the plan has been superseded.
    """
    principal.require(SCHEDULE, "move")
    if schedule["state"] not in ("proposed", "published"):
        msg = f"The schedule is {schedule['state']}; operations are moved in a proposed or published one."
        raise InvalidTransition(msg, members={"state": schedule["state"], "allowed_commands": []})
    start_at = utc(body.start_at, "/start_at")
    assert start_at is not None
    try:
        operation = await get_operation(uow, principal, decode_id("op", body.operation_id))
    except NotFound:
        operation = None
    if operation is None:
        raise invalid("/operation_id", "invalid", "There is no such operation.")
    run = await repository.get_run(uow, schedule["run_id"])
    # Whatever is planned after the new plan goes on as the one before was asked for.
    asked = {n: v for n, v in run["params"].items() if n != "ask"} if run is not None else {}
    question = MoveQuestion(
        schedule_id=encode_id("sch", schedule["id"]),
        version=schedule["version"],
        operation_id=body.operation_id,
        work_order_id=encode_id("wo", operation["work_order_id"]),
        work_center=body.work_center,
        start_at=start_at,
        dry_run=dry_run,
        reason=None if body.reason is UNSET else body.reason,
    )
    return await _enqueue(uow, question, asked, policy=schedule["policy"], keeps=not dry_run)


async def _enqueue(
    uow: "UnitOfWork", question: Question, asked: dict[str, Any], *, policy: str | None = None, keeps: bool = False
) -> "Record":
    defaults = {n: v for n, v in DEFAULTS.items() if n not in ("policy", "priority", "deadline")}
    params = defaults | asked | {"ask": msgspec.to_builtins(question)}
    values = run_values(uow, kind="inquiry", params=params, policy=policy, time_limit=_TIME, budget=_TIME)
    # Two equal questions are two questions: the plan may have changed between them.
    values["snapshot_hash"] = os.urandom(16)
    values["priority"] = 1
    values["expires_at"] = None if keeps else uow.clock.now() + PRIVATE_LIFE
    row, _ = await repository.add_run(uow, values)
    record_requested(uow, row)
    run_id: UUID = row["id"]
    await queue.tell(uow, queue.INQUIRY_ASKED, f"{uow.tenant} {run_id}")
    return row
