"""Use cases of execution: report, correct, inspect, receive."""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.errors import Conflict, InvalidTransition, NotFound
from woaas_core.ids import decode_id, encode_id, uuid7
from woaas_core.wire import given, invalid, utc
from woaas_security.principal import Principal
from woaas_work_orders.execution import repository
from woaas_work_orders.execution.inputs import NewInspection, NewReceipt, NewReport, ReportCorrection
from woaas_work_orders.execution.resources import REPORT
from woaas_work_orders.orders import events
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, ORDER_ENDED, OperationState, OrderState
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.service import lock_operation
from woaas_work_orders.orders.transitions import Step, move

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_QUANTITIES = ("good", "scrap", "rework")


async def report(
    uow: "UnitOfWork",
    principal: Principal,
    operation_id: UUID,
    body: NewReport,
    *,
    connector: str | None = None,
    is_historical: bool = False,
) -> dict[str, Any]:
    """Append a report; the first one starts a ready operation.

    The same ``external_ref`` with the same body is the same report: nothing is added. Reports may overlap and
    exceed the order's quantity. ``connector`` is the code of the one that heard it from a machine; what is historical
    fills in the past and is no news for the plan.

    Raises:
        Conflict: the ``external_ref`` was used with another body.
        InvalidTransition: the order is not released, or the operation never became ready.
    """
    principal.require(OPERATION, "report")
    principal.access(REPORT).check_writable(given(body))
    request_hash = _hash(body, operation_id)
    # Looked up under the order's lock: a twin sent at the same time has then been written.
    order, operation = await lock_operation(uow, principal, operation_id)
    known = await _known(uow, body, request_hash)
    if known is not None:
        return known
    _check_reportable(order, operation)
    values = _values(uow, body, operation, request_hash)
    values["connector"] = connector
    step = Step(uow, principal, order)
    # Where it runs, where nobody was assigned: the plan goes by that.
    if operation.work_center is None and values["work_center"] is not None:
        operation.work_center = values["work_center"]
    if operation.state == OperationState.READY:
        move(step, operation, "start")
    _count(operation, values, sign=1)
    await repository.insert_report(uow, values)
    facts: dict[str, object] = {"kind": values["kind"], "report_id": encode_id("rep", values["id"])}
    facts |= {"connector": connector} if connector is not None else {}
    facts |= {"historical": True} if is_historical else {}
    step.operation_changed(operation, events.OPERATION_REPORTED, **facts)
    await step.write()
    return values


async def correct(uow: "UnitOfWork", principal: Principal, report_id: UUID, body: ReportCorrection) -> dict[str, Any]:
    """Replace a report by a corrected one; the old row stays and no longer counts.

    It may keep the ``external_ref`` of the report it corrects. The same correction under a reference again is the
    first one: nothing is added.

    Raises:
        Conflict: it has been corrected before: correct the latest one.
    """
    principal.require(REPORT, "correct").check_writable(n for n in given(body) if n != "reason")
    old = await repository.get(uow, report_id)
    if old is None:
        raise NotFound
    order, operation = await lock_operation(uow, principal, old["operation_id"])
    newer = await repository.correction_of(uow, report_id)
    request_hash = _hash(body, report_id)
    if newer is not None:
        if newer["external_ref"] is not None and newer["request_hash"] == request_hash:
            return dict(newer)
        msg = f"This report was corrected by {encode_id('rep', newer['id'])}; correct that one."
        raise Conflict(msg)
    values = _values(uow, body, operation, request_hash)
    values["corrects"] = report_id
    uow.reason = body.reason
    _count(operation, dict(old), sign=-1)
    _count(operation, values, sign=1)
    await repository.insert_report(uow, values)
    step = Step(uow, principal, order)
    step.operation_changed(
        operation,
        events.REPORT_CORRECTED,
        report_id=encode_id("rep", values["id"]),
        corrects=encode_id("rep", report_id),
    )
    await step.write()
    return values


async def inspect(uow: "UnitOfWork", principal: Principal, body: NewInspection) -> dict[str, Any]:
    """Record the result of an operation's inspection; a failed one keeps the order from completing."""
    principal.require(OPERATION, "inspect")
    order, operation = await lock_operation(uow, principal, decode_id("op", body.subject))
    values: dict[str, Any] = {
        "id": uuid7(),
        "operation_id": operation.id,
        "work_order_id": order.head.id,
        "passed": body.result == "pass",
        "note": None if body.note is UNSET else body.note,
        "recorded_at": uow.clock.now(),
    }
    await repository.insert_inspection(uow, values)
    await repository.set_inspection(uow, operation.id, passed=body.result == "pass")
    operation.inspection_passed = body.result == "pass"
    step = Step(uow, principal, order)
    step.operation_changed(operation, events.INSPECTION_RECORDED, result=body.result)
    await step.write()
    return values


async def receive(uow: "UnitOfWork", principal: Principal, order: Order, body: NewReceipt) -> dict[str, Any]:
    """Book finished goods in (the order is loaded and locked)."""
    principal.require(WORK_ORDER, "receive")
    if order.head.state not in (OrderState.RELEASED, OrderState.RUNNING, OrderState.COMPLETED):
        msg = f"The work order is {order.head.state}; nothing can be received."
        raise InvalidTransition(msg, members={"state": order.head.state, "allowed_commands": []})
    values: dict[str, Any] = {
        "id": uuid7(),
        "work_order_id": order.head.id,
        "quantity": Decimal(body.quantity),
        "lot": None if body.lot is UNSET else body.lot,
        "location": None if body.location is UNSET else body.location,
        "recorded_at": uow.clock.now(),
    }
    await repository.insert_receipt(uow, values)
    uow.record(
        events.RECEIPT_BOOKED,
        subject=encode_id("rcp", values["id"]),
        work_order_id=order.head.id,
        data={"quantity": body.quantity},
    )
    return values


def _hash(body: msgspec.Struct, subject: UUID) -> bytes:
    return hashlib.sha256(subject.bytes + msgspec.json.encode(body, order="deterministic")).digest()


async def _known(uow: "UnitOfWork", body: NewReport, request_hash: bytes) -> dict[str, Any] | None:
    if isinstance(body.external_ref, UnsetType) or body.external_ref is None:
        return None
    known = await repository.by_external_ref(uow, body.external_ref)
    if known is not None and known["request_hash"] != request_hash:
        msg = f"external_ref {body.external_ref!r} was used for another report."
        raise Conflict(msg)
    return dict(known) if known else None


def _check_reportable(order: Order, operation: Operation) -> None:
    if order.head.state in ORDER_ENDED or order.head.state in (OrderState.DRAFT, OrderState.FORECAST):
        msg = f"The work order is {order.head.state}; nothing is reported on it."
        raise InvalidTransition(msg, members={"state": order.head.state, "allowed_commands": []})
    if order.head.state == OrderState.HELD and operation.started_at is None:
        msg = "The work order is held; no operation starts before it is resumed."
        raise InvalidTransition(msg, members={"state": order.head.state, "allowed_commands": []})
    waiting = operation.state in (OperationState.PENDING, OperationState.WAITING)
    if waiting or (operation.state in OPERATION_ENDED and operation.state != OperationState.COMPLETED):
        msg = f"The operation is {operation.state}; nothing is reported on it."
        raise InvalidTransition(msg, members={"state": operation.state, "allowed_commands": []})


def _values(uow: "UnitOfWork", body: NewReport, operation: Operation, request_hash: bytes) -> dict[str, Any]:
    def chosen(value: Any, default: Any) -> Any:
        return default if value is UNSET else value

    now = uow.clock.now()
    started: datetime = utc(chosen(body.started_at, now), "/started_at") or now
    ended: datetime = utc(chosen(body.ended_at, max(now, started)), "/ended_at") or now
    if ended < started:
        raise invalid("/ended_at", "invalid", "The end lies before the start.")
    return {
        "id": uuid7(),
        "operation_id": operation.id,
        "work_order_id": operation.work_order_id,
        "kind": body.kind,
        "good": Decimal(chosen(body.good, "0")),
        "scrap": Decimal(chosen(body.scrap, "0")),
        "rework": Decimal(chosen(body.rework, "0")),
        "scrap_reason": chosen(body.scrap_reason, None),
        "operator": chosen(body.operator, operation.operator),
        "work_center": chosen(body.work_center, operation.work_center),
        "started_at": started,
        "ended_at": ended,
        "consumed": msgspec.to_builtins(chosen(body.consumed, [])),
        "produced": msgspec.to_builtins(chosen(body.produced, [])),
        "external_ref": chosen(body.external_ref, None),
        "connector": None,
        "corrects": None,
        "request_hash": request_hash,
        "recorded_at": now,
    }


def _count(operation: Operation, values: dict[str, Any], *, sign: int) -> None:
    for name in _QUANTITIES:
        setattr(operation, name, getattr(operation, name) + sign * values[name])
