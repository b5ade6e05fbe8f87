"""Use cases of work orders and operations."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.errors import Conflict, Forbidden, GuardFailed, InvalidTransition, NotFound
from woaas_core.ids import encode_id, try_decode_id
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_work_orders.orders import events, repository
from woaas_work_orders.orders.creation import build_operation, check_predecessors, record_operations
from woaas_work_orders.orders.entities import Operation, Order, WorkOrder
from woaas_work_orders.orders.inputs import NewOperation, OperationCommandBody, OperationPatch, WorkOrderPatch
from woaas_work_orders.orders.lifecycle import OPERATION_ENDED, ORDER_ENDED, OperationState, OrderState
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.transitions import FourEyes, Step, carry_out, move, require_open
from woaas_work_orders.resources import repository as master_data
from woaas_work_orders.signatures.voiding import void_changed

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork


class SkillMissing(GuardFailed):
    """The operator is not qualified for the operation."""

    code = "skill_missing"
    title = "The operator lacks a skill"
    hint = "Choose a qualified operator or record the qualification (PUT /v1/operators/{code})."


class MaterialMissing(GuardFailed):
    """Material is not kitted yet."""

    code = "material_missing"
    title = "Material is missing"
    hint = "Confirm the picked lots with the kit command."


async def require_in_scope(uow: "UnitOfWork", principal: Principal, head: WorkOrder) -> None:
    """Refuse to leave an order where the one who wrote it could not see it.

    Raises:
        Forbidden: his key is for another part of the tenant.
    """
    if principal.scope and await repository.get(uow, principal, head.id) is None:
        msg = "Your key is for another part of the tenant than this order would be in."
        raise Forbidden(msg)


def order_key(text: str) -> UUID | str:
    """``{id}`` of a work order also takes its number."""
    return try_decode_id("wo", text) or text


async def get(uow: "UnitOfWork", principal: Principal, text: str, *, lock: bool = False) -> WorkOrder:
    """An order by id or number.

    Raises:
        NotFound: missing or not the caller's to see.
    """
    principal.require(WORK_ORDER, "read")
    head = await repository.get(uow, principal, order_key(text), lock=lock)
    if head is None:
        raise NotFound
    return head


async def load(uow: "UnitOfWork", principal: Principal, text: str, *, lock: bool = False) -> Order:
    """An order with its operations."""
    return await repository.load(uow, await get(uow, principal, text, lock=lock))


async def get_operation(uow: "UnitOfWork", principal: Principal, operation_id: UUID) -> "Record":
    """An operation by id."""
    principal.require(OPERATION, "read")
    row = await repository.get_operation(uow, principal, operation_id)
    if row is None:
        raise NotFound
    return row


async def command(uow: "UnitOfWork", principal: Principal, order: Order, name: str) -> Order:
    """Carry out a command on a loaded and locked order.

    Raises:
        FourEyes: reopen by the one who completed it.
    """
    if name == "reopen" and order.head.state == OrderState.COMPLETED and order.head.stages:
        principal.require(WORK_ORDER, name)
        done_by = order.head.stages[-1].get("actor")
        if done_by == principal.actor.id:
            msg = "Whoever completed the order cannot reopen it; ask a second person."
            raise FourEyes(msg)
    await carry_out(uow, principal, order, name)
    return order


async def lock_operation(uow: "UnitOfWork", principal: Principal, operation_id: UUID) -> tuple[Order, Operation]:
    """An operation with its whole order, locked for a command."""
    principal.require(OPERATION, "read")
    order = await repository.lock_by_operation(uow, principal, operation_id)
    if order is None:
        raise NotFound
    return order, order.operation(operation_id)


async def lock_subject(uow: "UnitOfWork", principal: Principal, subject: str) -> tuple[Order, Operation | None]:
    """The order that a subject (an operation's id, an order's id or number) is or belongs to, locked."""
    operation_id = try_decode_id("op", subject)
    if operation_id is not None:
        return await lock_operation(uow, principal, operation_id)
    return await load(uow, principal, subject, lock=True), None


async def command_operation(
    uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation, name: str, body: OperationCommandBody
) -> Operation:
    """Carry out a command on a loaded and locked operation; returns the operation to show.

    Raises:
        InvalidTransition, SkillMissing, MaterialMissing: see each.
    """
    access = principal.require(OPERATION, name)
    require_open(order, principal.access(WORK_ORDER).actions)
    step = Step(uow, principal, order)
    shown = operation
    if name in ("assign", "start"):
        if not isinstance(body.operator, UnsetType):
            operation.operator = body.operator
        if not isinstance(body.work_center, UnsetType):
            _check_work_center(operation, body.work_center)
            operation.work_center = body.work_center
        await _check_skills(uow, operation)
    if name == "assign":
        _require_not_ended(operation, access.actions)
        step.operation_changed(operation, events.OPERATION_ASSIGNED)
    elif name == "kit":
        _require_not_ended(operation, access.actions)
        operation.kitted = True
        lots = [] if isinstance(body.lots, UnsetType) else msgspec.to_builtins(body.lots)
        step.operation_changed(operation, events.OPERATION_KITTED, lots=lots)
        step.settle_successors()
    elif name == "rework":
        shown = _rework(step, order, operation, access.actions)
        await repository.insert_operations(uow, [shown])
        record_operations(uow, order, [shown])
        step.settle_successors()
    else:
        if name == "start" and operation.state == OperationState.WAITING:
            msg = f"Operation {operation.sequence} waits for material; kit it first."
            offered = ["kit"] if "kit" in access.actions else []
            raise MaterialMissing(msg, members={"state": operation.state, "allowed_commands": offered})
        move(step, operation, name)
    await step.write()
    return shown


def _require_not_ended(operation: Operation, permitted: frozenset[str]) -> None:
    if operation.state in OPERATION_ENDED:
        offered = ["rework"] if operation.state == OperationState.COMPLETED and "rework" in permitted else []
        msg = f"The operation is {operation.state}."
        raise InvalidTransition(msg, members={"state": operation.state, "allowed_commands": offered})


def _rework(step: Step, order: Order, operation: Operation, permitted: frozenset[str]) -> Operation:
    if operation.state != OperationState.COMPLETED:
        msg = "Only a completed operation is reworked."
        raise InvalidTransition(msg, members={"state": operation.state, "allowed_commands": []})
    del permitted
    sequence = max(o.sequence for o in order) + 1
    again = build_operation(
        order.head,
        NewOperation(name=f"Rework: {operation.name}"[:200], predecessors=[operation.sequence]),
        sequence=sequence,
        previous=operation.sequence,
        now=step.uow.clock.now(),
        at="",
    )
    again.rework_of = operation.id
    again.work_centers, again.skills = operation.work_centers, operation.skills
    again.setup_skills = operation.setup_skills
    again.setup_time, again.unit_time = operation.setup_time, operation.unit_time
    again.state = OperationState.READY
    order.operations.append(again)
    step.operation_changed(operation, events.OPERATION_REWORKED, rework_operation=encode_id("op", again.id))
    return again


def _check_work_center(operation: Operation, work_center: str | None) -> None:
    if work_center and operation.work_centers and work_center not in operation.work_centers:
        detail = f"Operation {operation.sequence} runs on {', '.join(operation.work_centers)}."
        raise invalid("/work_center", "invalid", detail)


async def _check_skills(uow: "UnitOfWork", operation: Operation) -> None:
    """The assigned operator holds every skill of the operation today (where both are known)."""
    if not operation.skills or not operation.operator:
        return
    person = await master_data.find(uow, "operator", operation.operator)
    today = uow.clock.now().date().isoformat()
    held = {
        q["skill"]
        for q in (person["body"].get("qualifications", []) if person else [])
        if (q.get("valid_from") or "") <= today <= (q.get("valid_to") or "9999")
    }
    lacking = [s for s in operation.skills if s not in held]
    if lacking:
        msg = f"{operation.operator} is not qualified in {', '.join(lacking)}."
        raise SkillMissing(msg, members={"missing": lacking})


async def patch(uow: "UnitOfWork", principal: Principal, order: Order, body: WorkOrderPatch) -> Order:
    """Change fields of an order that has not ended."""
    changes = given(body)
    access = principal.require(WORK_ORDER, "read").of(order.head)
    access.check_writable(changes)
    if order.head.state in ORDER_ENDED:
        msg = f"The work order is {order.head.state}; its fields are settled."
        raise Conflict(msg, members={"state": order.head.state})
    if "quantity" in changes:
        changes["quantity"] = Decimal(changes["quantity"])
        if changes["quantity"] <= 0:
            raise invalid("/quantity", "invalid", "The quantity must be above zero.")
    for name in ("due_at", "earliest_start_at"):
        if name in changes:
            changes[name] = utc(changes[name], f"/{name}")
    changes = {n: v for n, v in access.written(order.head, changes).items() if order.head[n] != v}
    if not changes:
        return order
    head = order.head
    before = head.copy()
    _apply(head, changes)
    head.version += 1
    head.updated_at = uow.clock.now()
    await repository.update_order(uow, head)
    if changes.keys() & {"data_class", "export_controlled"}:
        await repository.classify_operations(uow, head)
    await require_in_scope(uow, principal, head)
    uow.record(
        events.ORDER_UPDATED,
        subject=encode_id("wo", head.id),
        work_order_id=head.id,
        version=(head.version - 1, head.version),
        data={"fields": sorted(changes)},
        changes=changes_of(WORK_ORDER, before, head),
    )
    await void_changed(uow, order)
    return order


async def patch_operation(
    uow: "UnitOfWork", principal: Principal, order: Order, operation: Operation, body: OperationPatch
) -> Operation:
    """Change fields of an operation that has not ended."""
    access = principal.require(OPERATION, "read").of(operation)
    changes = given(body)
    access.check_writable(changes)
    _require_not_ended(operation, access.actions)
    for name in ("setup_time", "unit_time"):
        if name in changes:
            changes[name] = duration_of(changes[name], f"/{name}")
    changes = {n: v for n, v in access.written(operation, changes).items() if operation[n] != v}
    if not changes:
        return operation
    before = operation.copy()
    _apply(operation, changes)
    operation.version += 1
    operation.updated_at = uow.clock.now()
    await repository.update_operations(uow, [operation])
    uow.record(
        events.OPERATION_UPDATED,
        subject=encode_id("op", operation.id),
        work_order_id=operation.work_order_id,
        version=(operation.version - 1, operation.version),
        data={"fields": sorted(changes)},
        changes=changes_of(OPERATION, before, operation),
    )
    await void_changed(uow, order)
    return operation


async def add_operation(uow: "UnitOfWork", principal: Principal, order: Order, body: NewOperation) -> Operation:
    """Add an operation to an order that has not ended."""
    principal.require(OPERATION, "create").of(order.head).check_writable(given(body))
    if order.head.state in ORDER_ENDED:
        msg = f"The work order is {order.head.state}; it takes no more operations."
        raise Conflict(msg, members={"state": order.head.state})
    last = max((o.sequence for o in order), default=0)
    sequence = last + 10 if body.sequence is UNSET else body.sequence
    assert isinstance(sequence, int)
    if any(o.sequence == sequence for o in order):
        raise invalid("/sequence", "invalid", f"Sequence {sequence} is taken.")
    previous = max((o.sequence for o in order if o.sequence < sequence), default=None)
    operation = build_operation(order.head, body, sequence=sequence, previous=previous, now=uow.clock.now(), at="")
    order.operations = sorted([*order.operations, operation], key=lambda o: o.sequence)
    check_predecessors(order.operations, {sequence: ""})
    await repository.insert_operations(uow, [operation])
    record_operations(uow, order, [operation])
    step = Step(uow, principal, order)
    step.settle_successors()
    await step.write()
    return operation


def _apply(entity: WorkOrder | Operation, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(entity, name, value)
