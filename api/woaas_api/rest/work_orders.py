"""Work orders."""

from typing import Annotated, Any

import msgspec

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.problems import as_domain_error
from woaas_api.rest.schemas.work_orders import (
    BatchResults,
    Kitting,
    OperationView,
    ReceiptView,
    Timeline,
    WorkOrderView,
)
from woaas_api.subjects import SUBJECTS
from woaas_core.db.refusals import FORESEEN
from woaas_core.ids import encode_id
from woaas_core.wire import Body, Name, decode
from woaas_security.authz.listing import list_rows
from woaas_work_orders.execution import repository as execution_rows
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewReceipt
from woaas_work_orders.execution.resources import RECEIPT
from woaas_work_orders.orders import creation, repository, service
from woaas_work_orders.orders.inputs import CommandBody, NewOperation, NewWorkOrder, WorkOrderPatch
from woaas_work_orders.orders.kitting import kitting
from woaas_work_orders.orders.lifecycle import ORDER_COMMANDS
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.timeline import timeline
from woaas_work_orders.orders.views import sees_steps, show
from woaas_work_orders.signatures import repository as signatures
from woaas_work_orders.signatures.views import sees_signatures, show_signatures

TAG = "Work orders"


class BatchItem(Body, kw_only=True):
    """One order of a batch, under the caller's own key."""

    key: Name
    work_order: NewWorkOrder


class Batch(Body, kw_only=True):
    """Up to 500 orders."""

    items: Annotated[list[BatchItem], msgspec.Meta(max_length=500)]


class UnreadItem(Body, kw_only=True):
    """An item whose order is read by itself, so that one that does not fit refuses no other."""

    key: Name
    work_order: msgspec.Raw


class UnreadBatch(Body, kw_only=True):
    """A batch whose orders are still text."""

    items: Annotated[list[UnreadItem], msgspec.Meta(max_length=500)]


@route("POST", "/work-orders", tag=TAG, status=201, writes=WORK_ORDER)
async def create_work_order(call: Call, body: NewWorkOrder) -> Answer[WorkOrderView]:
    """Enter a work order; the same external_ref with the same body answers 200 with the first one."""
    order = await creation.create(call.uow, call.principal, body)
    location = f"/v1/work-orders/{encode_id('wo', order.head.id)}"
    status = 201 if call.uow.events else 200
    return Answer(show(call.principal, order), status, location)


@route("POST", "/work-orders/batch", tag=TAG, body=Batch)
async def create_work_orders(call: Call, body: UnreadBatch) -> Answer[BatchResults]:
    """Enter up to 500 work orders; each is entered or refused on its own."""
    results: list[dict[str, Any]] = []
    for item in body.items:
        known = len(call.uow.events)
        try:
            async with call.uow.savepoint():
                order = await creation.create(call.uow, call.principal, decode(bytes(item.work_order), NewWorkOrder))
        except FORESEEN as error:
            refused = as_domain_error(error)
            detail = {"code": refused.code, "title": refused.title, "status": refused.status, "detail": refused.detail}
            problem = {**detail, "type": f"/problems/{refused.code}", "errors": refused.errors}
            results.append({"key": item.key, "status": refused.status, "problem": problem})
        else:
            status = 201 if len(call.uow.events) > known else 200
            results.append({"key": item.key, "status": status, "work_order": show(call.principal, order)})
    return Answer({"results": results})


@route("GET", "/work-orders", tag=TAG)
async def list_work_orders(call: Call) -> Answer[Listed[WorkOrderView]]:
    """List work orders, newest first, each with its signatures; `expand=operations` adds each one's operations."""
    access = call.principal.require(WORK_ORDER, "read")
    asked = call.list_query(access, expandable=("operations",))
    page = await list_rows(call.uow, call.principal, access, asked.query, call.edge.cursors)
    data = [call.principal.show(access, row, asked.fields) for row in page.rows]
    operation_access = call.principal.access(OPERATION)
    if "operations" in asked.expand and sees_steps(call.principal):
        by_order: dict[Any, list[dict[str, Any]]] = {row["id"]: [] for row in page.rows}
        for row in await repository.operations_of(call.uow, list(by_order)):
            by_order[row["work_order_id"]].append(call.principal.show(operation_access, row))
        for shown, row in zip(data, page.rows, strict=True):
            shown["operations"] = by_order[row["id"]]
    if asked.fields is None and page.rows and sees_signatures(call.principal):
        signed = await signatures.of_orders(call.uow, [row["id"] for row in page.rows])
        for shown, row in zip(data, page.rows, strict=True):
            shown["signatures"] = show_signatures(call.principal, signed.get(row["id"], ()))
    return Answer({"data": data, "next_cursor": page.next_cursor})


@route("GET", "/work-orders/{key}", tag=TAG)
async def get_work_order(call: Call, key: str) -> Answer[WorkOrderView]:
    """Read a work order by id or number, with its operations."""
    return Answer(show(call.principal, await service.load(call.uow, call.principal, key)))


@route("PATCH", "/work-orders/{key}", tag=TAG, writes=WORK_ORDER)
async def update_work_order(call: Call, key: str, body: WorkOrderPatch) -> Answer[WorkOrderView]:
    """Change fields of an open work order; members left out stay as they are."""
    order = await service.load(call.uow, call.principal, key, lock=True)
    call.require_match(lambda: show(call.principal, order))
    return Answer(show(call.principal, await service.patch(call.uow, call.principal, order, body)))


@route("POST", "/work-orders/{key}/operations", tag=TAG, status=201)
async def add_operation(call: Call, key: str, body: NewOperation) -> Answer[OperationView]:
    """Add an operation to an open work order."""
    order = await service.load(call.uow, call.principal, key, lock=True)
    operation = await service.add_operation(call.uow, call.principal, order, body)
    location = f"/v1/operations/{encode_id('op', operation.id)}"
    return Answer(call.principal.show(call.principal.access(OPERATION), operation), 201, location)


@route("GET", "/work-orders/{key}/timeline", tag=TAG)
async def get_timeline(call: Call, key: str) -> Answer[Timeline]:
    """Read everything that happened to a work order, oldest first."""
    head = await service.get(call.uow, call.principal, key)
    return Answer({"data": await timeline(call.uow, call.principal, head, SUBJECTS)})


@route("GET", "/work-orders/{key}/kitting", tag=TAG)
async def get_kitting(call: Call, key: str) -> Answer[Kitting]:
    """Read how complete an order's material is.

    The kitting rate is the share of material lines that stock covers now, after more urgent orders have had theirs;
    `shortages` say what is short and when lots on record complete it.
    """
    return Answer(await kitting(call.uow, call.principal, key))


@route("POST", "/work-orders/{key}/receipts", tag=TAG, status=201)
async def book_receipt(call: Call, key: str, body: NewReceipt) -> Answer[ReceiptView]:
    """Book finished goods in."""
    order = await service.load(call.uow, call.principal, key, lock=True)
    row = await execution.receive(call.uow, call.principal, order, body)
    location = f"/v1/work-orders/{encode_id('wo', order.head.id)}/receipts"
    return Answer(call.principal.show(call.principal.access(RECEIPT), row), 201, location)


@route("GET", "/work-orders/{key}/receipts", tag=TAG)
async def list_receipts(call: Call, key: str) -> Answer[Listed[ReceiptView]]:
    """List the receipts of a work order."""
    head = await service.get(call.uow, call.principal, key)
    return await call.page(RECEIPT, where=[execution_rows.of_order()], values={"order_id": head.id})


def _command(name: str) -> Route:
    async def run(call: Call, key: str, body: CommandBody) -> Answer[WorkOrderView]:
        order = await service.load(call.uow, call.principal, key, lock=True)
        call.require_match(lambda: show(call.principal, order))
        call.uow.reason = None if body.reason is msgspec.UNSET else body.reason
        return Answer(show(call.principal, await service.command(call.uow, call.principal, order, name)))

    run.__doc__ = (
        f"{name.capitalize()} a work order.\n\nAnswers 409 with `allowed_commands` where its state forbids it."
    )
    return route("POST", f"/work-orders/{{key}}/{name}", tag=TAG, name=f"{name}_work_order")(run)


ROUTES = (
    create_work_order,
    create_work_orders,
    list_work_orders,
    get_work_order,
    update_work_order,
    add_operation,
    get_timeline,
    get_kitting,
    book_receipt,
    list_receipts,
    *(_command(name) for name in sorted(ORDER_COMMANDS)),
)
