"""Entering work orders: from a body to rows, with what routing and defaults give."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.db.statements import Row
from woaas_core.errors import Conflict, Forbidden
from woaas_core.events.envelope import EventType
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import duration_of, given, invalid, utc
from woaas_security.audit.changes import changes_of
from woaas_security.principal import Principal
from woaas_work_orders.orders import events, repository
from woaas_work_orders.orders.entities import Operation, Order, WorkOrder
from woaas_work_orders.orders.inputs import NewOperation, NewWorkOrder
from woaas_work_orders.orders.lifecycle import OperationState, OrderState
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.transitions import release
from woaas_work_orders.promises import service as promises
from woaas_work_orders.resources import repository as master_data

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_DEFAULT_STEP = 10


async def create(uow: "UnitOfWork", principal: Principal, body: NewWorkOrder) -> Order:
    """Enter an order as draft, or released at once where the body asks for it.

    The same ``external_ref`` with the same body is the same order: it is returned and nothing is recorded.

    Raises:
        Conflict: the ``external_ref`` belongs to an order entered with another body.
    """
    sent = given(body)
    of_class = {"data_class": sent.get("data_class")}
    access = principal.require(WORK_ORDER, "create").of(of_class)
    access.check_writable({n: v for n, v in sent.items() if n not in ("operations", "release")})
    request_hash = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()
    if body.external_ref is not UNSET and body.external_ref is not None:
        known = await repository.by_external_ref(uow, body.external_ref)
        if known is not None:
            if known.request_hash != request_hash:
                msg = f"external_ref {body.external_ref!r} was used with another body for {known.number}."
                raise Conflict(msg)
            return await repository.load(uow, known)
    steps = await steps_of(uow, body)
    operation_access = principal.access(OPERATION).of(of_class)
    for i, step in enumerate(steps):
        operation_access.check_writable(given(step), at=f"/operations/{i}")
    now = uow.clock.now()
    number = f"WO-{await repository.next_number(uow, 'WO'):06d}"
    head = new_head(body, number=number, request_hash=request_hash, now=now)
    order = Order(head, build_operations(head, steps, now))
    if body.release is True:
        principal.require(WORK_ORDER, "release")
    if isinstance(body.promise_id, str):
        promise = await promises.require_reserved(uow, body.promise_id, body.product)
        head.promise_id, head.promised_at = promise["id"], promise["promised_at"]
        await promises.take(uow, promise, head.id)
    await repository.insert(uow, order)
    if principal.scope and await repository.get(uow, principal, head.id) is None:
        msg = "Your key is for another part of the tenant than this order would be in."
        raise Forbidden(msg)
    _record_created(uow, order)
    if body.release is True:
        await release(uow, principal, order)
    return order


async def preview(uow: "UnitOfWork", body: NewWorkOrder) -> Order:
    """The order that a body would make, with nothing entered.

    Raises:
        Invalid: as entering it would.
    """
    steps = await steps_of(uow, body)
    now = uow.clock.now()
    head = new_head(body, number="", request_hash=b"", now=now)
    return Order(head, build_operations(head, steps, now))


async def foresee(uow: "UnitOfWork", bodies: Sequence[NewWorkOrder]) -> list[Order]:
    """Enter virtual orders of expected demand: they have numbers of their own and can only be released or cancelled."""
    routings = {r["code"]: r for r in await master_data.in_use(uow, "routing")}
    now = uow.clock.now()
    orders: list[Order] = []
    numbers = await repository.next_numbers(uow, "FC", len(bodies)) if bodies else range(0)
    for number, body in zip(numbers, bodies, strict=True):
        head = new_head(body, number=f"FC-{number:06d}", request_hash=b"", now=now)
        head.state = OrderState.FORECAST
        orders.append(Order(head, build_operations(head, _routed(body, routings.get(body.product)), now)))
    await repository.insert_all(uow, orders)
    for order in orders:
        _record_created(uow, order, events.ORDER_FORECASTED)
    return orders


async def steps_of(uow: "UnitOfWork", body: NewWorkOrder) -> Sequence[NewOperation]:
    """The operations sent, else the product's routing, else one operation for the whole."""
    if not isinstance(body.operations, UnsetType):
        return body.operations
    return _routed(body, await master_data.find(uow, "routing", body.product))


def _routed(body: NewWorkOrder, routing: Row | None) -> Sequence[NewOperation]:
    if routing is not None:
        return msgspec.convert(routing["body"].get("operations", []), list[NewOperation])
    # Not after the product, which who reads operations need not read.
    return [NewOperation(name=(body.type or "production").capitalize())]


def new_head(body: NewWorkOrder, *, number: str, request_hash: bytes, now: datetime) -> WorkOrder:
    """The row of a draft, with defaults for what the body leaves out."""

    def chosen(value: Any, default: Any) -> Any:
        return default if value is UNSET else value

    quantity = Decimal(body.quantity)
    if quantity <= 0:
        raise invalid("/quantity", "invalid", "The quantity must be above zero.")
    return WorkOrder(
        id=uuid7(),
        number=number,
        type=chosen(body.type, "production"),
        template=chosen(body.template, None),
        title=chosen(body.title, body.product),
        product=body.product,
        quantity=quantity,
        unit=chosen(body.unit, "pcs"),
        priority=chosen(body.priority, 3),
        due_at=utc(chosen(body.due_at, None), "/due_at"),
        earliest_start_at=utc(chosen(body.earliest_start_at, None), "/earliest_start_at"),
        customer=chosen(body.customer, None),
        external_ref=chosen(body.external_ref, None),
        custom_fields=chosen(body.custom_fields, {}),
        site=chosen(body.site, None),
        line=chosen(body.line, None),
        steward=chosen(body.steward, None),
        participants=chosen(body.participants, []),
        data_class=chosen(body.data_class, None),
        export_controlled=chosen(body.export_controlled, False),
        asset=chosen(body.asset, None),
        serial_number=chosen(body.serial_number, None),
        rework_of=None,
        promised_at=None,
        promise_id=None,
        state=OrderState.DRAFT,
        held_from=None,
        stage=None,
        stages=[],
        plan_status="unplanned",
        released_at=None,
        started_at=None,
        completed_at=None,
        closed_at=None,
        request_hash=request_hash,
        version=1,
        created_at=now,
        updated_at=now,
    )


def build_operations(head: WorkOrder, steps: Sequence[NewOperation], now: datetime) -> list[Operation]:
    """Rows for operations as sent; sequences default to steps of ten, predecessors to the previous sequence.

    Raises:
        Invalid: a repeated sequence, an unknown predecessor, or a circle of predecessors.
    """
    places: dict[int, str] = {}
    last = 0
    for i, step in enumerate(steps):
        last = last + _DEFAULT_STEP if isinstance(step.sequence, UnsetType) else step.sequence
        at = f"/operations/{i}"
        if last in places:
            raise invalid(f"{at}/sequence", "invalid", f"Sequence {last} is used twice.")
        places[last] = at
    built: list[Operation] = []
    previous: int | None = None
    for (sequence, at), step in sorted(zip(places.items(), steps, strict=True), key=lambda placed: placed[0][0]):
        built.append(build_operation(head, step, sequence=sequence, previous=previous, now=now, at=at))
        previous = sequence
    check_predecessors(built, places)
    return built


def build_operation(
    head: WorkOrder, step: NewOperation, *, sequence: int, previous: int | None, now: datetime, at: str
) -> Operation:
    """The row of one operation as sent."""

    def chosen(value: Any, default: Any) -> Any:
        return default if value is UNSET else value

    materials = [] if isinstance(step.materials, UnsetType) else step.materials
    return Operation(
        id=uuid7(),
        work_order_id=head.id,
        sequence=sequence,
        name=step.name,
        state=OperationState.PENDING,
        held_from=None,
        work_centers=chosen(step.work_centers, []),
        setup_time=duration_of(chosen(step.setup_time, "PT0S"), f"{at}/setup_time"),
        unit_time=duration_of(chosen(step.unit_time, "PT0S"), f"{at}/unit_time"),
        setup_group=chosen(step.setup_group, None),
        skills=chosen(step.skills, []),
        setup_skills=chosen(step.setup_skills, None),
        tool=chosen(step.tool, None),
        materials=msgspec.to_builtins(materials),
        predecessors=chosen(step.predecessors, [previous] if previous else []),
        inspection_required=chosen(step.inspection_required, False),
        inspection_passed=None,
        sourcing=chosen(step.sourcing, "make"),
        custom_fields=chosen(step.custom_fields, {}),
        rework_of=None,
        operator=None,
        work_center=None,
        kitted=False,
        good=Decimal(0),
        scrap=Decimal(0),
        rework=Decimal(0),
        plan_status="unplanned",
        planned_work_center=None,
        planned_start_at=None,
        planned_end_at=None,
        contract_id=None,
        external_state=None,
        data_class=head.data_class,
        export_controlled=head.export_controlled,
        started_at=None,
        ended_at=None,
        version=1,
        created_at=now,
        updated_at=now,
    )


def check_predecessors(operations: Sequence[Operation], places: Mapping[int, str]) -> None:
    """Every predecessor exists and no operation waits for itself; ``places`` are the pointers of what was sent.

    Raises:
        Invalid: with the place.
    """
    by_sequence = {o.sequence: o for o in operations}
    done: set[int] = set()
    for operation in operations:
        for p in operation.predecessors:
            if p not in by_sequence:
                at = f"{places.get(operation.sequence, '')}/predecessors"
                raise invalid(at, "invalid", f"There is no sequence {p} in this order.")
    while len(done) < len(operations):
        free = [o.sequence for o in operations if o.sequence not in done and done.issuperset(o.predecessors)]
        if not free:
            msg = "The predecessors form a circle."
            at = "/operations" if "" not in places.values() else "/predecessors"
            raise invalid(at, "invalid", msg)
        done.update(free)


def _record_created(uow: "UnitOfWork", order: Order, kind: EventType = events.ORDER_CREATED) -> None:
    head = order.head
    promise = {"promise_id": encode_id("prm", head.promise_id)} if head.promise_id else {}
    uow.record(
        kind,
        subject=encode_id("wo", head.id),
        work_order_id=head.id,
        version=(None, 1),
        data={"number": head.number, "type": head.type, "operations": len(order.operations), **promise},
        changes=changes_of(WORK_ORDER, None, head),
    )
    order.is_told(head)
    record_operations(uow, order, order.operations)


def record_operations(uow: "UnitOfWork", order: Order, new: Sequence[Operation]) -> None:
    """The entries of operations just added."""
    for operation in new:
        uow.record(
            events.OPERATION_CREATED,
            subject=encode_id("op", operation.id),
            work_order_id=operation.work_order_id,
            version=(None, 1),
            data={"sequence": operation.sequence, "state": operation.state},
            changes=changes_of(OPERATION, None, operation),
        )
    order.is_told(*new)
