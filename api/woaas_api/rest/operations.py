"""Operations, reports and inspections."""

import msgspec

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.schemas.work_orders import InspectionView, OperationContext, OperationView, ReportView
from woaas_core.ids import decode_id, encode_id
from woaas_security.authz.listing import list_rows
from woaas_work_orders.execution import repository as execution_rows
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewInspection, NewReport, ReportCorrection
from woaas_work_orders.execution.resources import INSPECTION, REPORT
from woaas_work_orders.orders import service
from woaas_work_orders.orders.context import context
from woaas_work_orders.orders.inputs import OperationCommandBody, OperationPatch
from woaas_work_orders.orders.lifecycle import OPERATION_COMMANDS
from woaas_work_orders.orders.resources import OPERATION
from woaas_work_orders.orders.views import show_operation
from woaas_work_orders.signatures import repository as signatures
from woaas_work_orders.signatures.views import sees_signatures, show_signatures

TAG = "Operations"


@route("GET", "/operations", tag=TAG)
async def list_operations(call: Call) -> Answer[Listed[OperationView]]:
    """List operations, newest first, each with its signatures."""
    access = call.principal.require(OPERATION, "read")
    asked = call.list_query(access)
    page = await list_rows(call.uow, call.principal, access, asked.query, call.edge.cursors)
    data = [call.principal.show(access, row, asked.fields) for row in page.rows]
    if asked.fields is None and page.rows and sees_signatures(call.principal):
        signed = await signatures.of_operations(call.uow, [row["id"] for row in page.rows])
        for shown, row in zip(data, page.rows, strict=True):
            shown["signatures"] = show_signatures(call.principal, signed.get(row["id"], ()))
    return Answer({"data": data, "next_cursor": page.next_cursor})


@route("GET", "/operations/{key}", tag=TAG)
async def get_operation(call: Call, key: str) -> Answer[OperationView]:
    """Read an operation."""
    row = await service.get_operation(call.uow, call.principal, decode_id("op", key))
    signed = await signatures.list_of(call.uow, row["work_order_id"])
    return Answer(show_operation(call.principal, row, signed))


@route("PATCH", "/operations/{key}", tag=TAG, writes=OPERATION)
async def update_operation(call: Call, key: str, body: OperationPatch) -> Answer[OperationView]:
    """Change fields of an operation that has not ended."""
    order, operation = await service.lock_operation(call.uow, call.principal, decode_id("op", key))
    call.require_match(lambda: show_operation(call.principal, operation, order.signatures))
    done = await service.patch_operation(call.uow, call.principal, order, operation, body)
    return Answer(show_operation(call.principal, done, order.signatures))


@route("GET", "/operations/{key}/context", tag=TAG)
async def get_operation_context(call: Call, key: str) -> Answer[OperationContext]:
    """Read where an operation stands: itself, the steps before it and the steps after."""
    found = await context(call.uow, call.principal, decode_id("op", key))
    access = call.principal.access(OPERATION)
    shown = {part: [call.principal.show(access, o) for o in found[part]] for part in ("previous", "now", "next")}
    return Answer({**shown, "now": shown["now"][0]})


@route("POST", "/operations/{key}/reports", tag=TAG, status=201)
async def report(call: Call, key: str, body: NewReport) -> Answer[ReportView]:
    """Report time and quantity; the first report starts a ready operation.

    The same external_ref with the same body answers 200 with the first report.
    """
    row = await execution.report(call.uow, call.principal, decode_id("op", key), body)
    shown = call.principal.show(call.principal.access(REPORT), row)
    location = f"/v1/operations/{encode_id('op', row['operation_id'])}/reports"
    return Answer(shown, 201 if call.uow.events else 200, location)


@route("GET", "/operations/{key}/reports", tag=TAG)
async def list_reports(call: Call, key: str) -> Answer[Listed[ReportView]]:
    """List the reports of an operation, newest first."""
    row = await service.get_operation(call.uow, call.principal, decode_id("op", key))
    return await call.page(REPORT, where=[execution_rows.of_operation()], values={"operation_id": row["id"]})


@route("POST", "/reports/{key}/correct", tag=TAG, status=201)
async def correct_report(call: Call, key: str, body: ReportCorrection) -> Answer[ReportView]:
    """Replace a report by a corrected one; the old one stays in the record and no longer counts.

    The same correction under the same external_ref again answers 200 with the first one.
    """
    row = await execution.correct(call.uow, call.principal, decode_id("rep", key), body)
    location = f"/v1/operations/{encode_id('op', row['operation_id'])}/reports"
    shown = call.principal.show(call.principal.access(REPORT), row)
    return Answer(shown, 201 if call.uow.events else 200, location)


@route("POST", "/inspections", tag=TAG, status=201)
async def record_inspection(call: Call, body: NewInspection) -> Answer[InspectionView]:
    """Record the result of inspecting an operation (`subject`)."""
    row = await execution.inspect(call.uow, call.principal, body)
    shown = call.principal.show(call.principal.access(INSPECTION), row)
    return Answer(shown, 201, f"/v1/operations/{body.subject}")


@route("GET", "/inspections", tag=TAG)
async def list_inspections(call: Call) -> Answer[Listed[InspectionView]]:
    """List inspection results, newest first."""
    return await call.page(INSPECTION)


def _command(name: str) -> Route:
    async def run(call: Call, key: str, body: OperationCommandBody) -> Answer[OperationView]:
        order, operation = await service.lock_operation(call.uow, call.principal, decode_id("op", key))
        call.require_match(lambda: show_operation(call.principal, operation, order.signatures))
        call.uow.reason = None if body.reason is msgspec.UNSET else body.reason
        shown = await service.command_operation(call.uow, call.principal, order, operation, name, body)
        return Answer(show_operation(call.principal, shown, order.signatures))

    run.__doc__ = (
        f"{name.capitalize()} an operation.\n\nAnswers 409 with `allowed_commands` where its state forbids it."
    )
    return route("POST", f"/operations/{{key}}/{name}", tag=TAG, name=f"{name}_operation")(run)


ROUTES = (
    list_operations,
    get_operation,
    update_operation,
    get_operation_context,
    report,
    list_reports,
    correct_report,
    record_inspection,
    list_inspections,
    *(_command(name) for name in sorted(OPERATION_COMMANDS | {"assign", "kit", "rework"})),
)
