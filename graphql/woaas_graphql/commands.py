"""The mutations: each line is one REST endpoint's use case."""

from collections.abc import Mapping
from typing import Any

from woaas_billing import invoicing, limits
from woaas_billing.inputs import InvoicePeriod, SpendLimit
from woaas_capacity_market import contracts, listings, quotes, requests
from woaas_capacity_market.inputs import (
    Award,
    ContractCommandBody,
    NDASignature,
    NewListing,
    NewQuote,
    NewRequest,
    Reasoned,
    Terms,
)
from woaas_capacity_market.lifecycle import CONTRACT_COMMANDS
from woaas_core.ids import decode_id
from woaas_core.wire import check_code
from woaas_graphql import types
from woaas_graphql.mutations import Command, Verb
from woaas_graphql.planning_commands import PLANNING
from woaas_solver_farm.schedules import requests as runs
from woaas_solver_farm.schedules import service as schedules
from woaas_solver_farm.schedules.inputs import NewScheduleRun, PublishBody
from woaas_work_orders.execution import service as execution
from woaas_work_orders.execution.inputs import NewInspection, NewReceipt, NewReport, ReportCorrection
from woaas_work_orders.orders import creation, service
from woaas_work_orders.orders.entities import Operation, Order
from woaas_work_orders.orders.inputs import (
    CommandBody,
    NewOperation,
    NewWorkOrder,
    OperationCommandBody,
    OperationPatch,
    WorkOrderPatch,
)
from woaas_work_orders.orders.lifecycle import OPERATION_COMMANDS, ORDER_COMMANDS
from woaas_work_orders.orders.views import show, show_operation
from woaas_work_orders.resources import service as master_data
from woaas_work_orders.resources.kinds import MasterKind
from woaas_work_orders.signatures import service as signatures
from woaas_work_orders.signatures.inputs import NewSignature


async def _locked(c: Command[Any]) -> Order:
    order = await service.load(c.uow, c.principal, c.id, lock=True)
    c.match(lambda: show(c.principal, order))
    return order


async def _locked_operation(c: Command[Any]) -> tuple[Order, Operation]:
    order, operation = await service.lock_operation(c.uow, c.principal, decode_id("op", c.id))
    c.match(lambda: show_operation(c.principal, operation, order.signatures))
    return order, operation


async def _create_order(c: Command[NewWorkOrder]) -> Any:
    return (await creation.create(c.uow, c.principal, c.body)).head


async def _update_order(c: Command[WorkOrderPatch]) -> Any:
    return (await service.patch(c.uow, c.principal, await _locked(c), c.body)).head


def _order_command(name: str) -> Verb:
    async def run(c: Command[CommandBody]) -> Any:
        order = await _locked(c)
        c.because(c.body.reason)
        return (await service.command(c.uow, c.principal, order, name)).head

    return Verb(types.WorkOrder, run, f"{name.capitalize()} a work order", CommandBody)


async def _receive(c: Command[NewReceipt]) -> Any:
    return await execution.receive(c.uow, c.principal, await _locked(c), c.body)


async def _add_operation(c: Command[NewOperation]) -> Any:
    return await service.add_operation(c.uow, c.principal, await _locked(c), c.body)


async def _update_operation(c: Command[OperationPatch]) -> Any:
    order, operation = await _locked_operation(c)
    return await service.patch_operation(c.uow, c.principal, order, operation, c.body)


def _operation_command(name: str) -> Verb:
    async def run(c: Command[OperationCommandBody]) -> Any:
        order, operation = await _locked_operation(c)
        c.because(c.body.reason)
        return await service.command_operation(c.uow, c.principal, order, operation, name, c.body)

    return Verb(types.Operation, run, f"{name.capitalize()} an operation", OperationCommandBody)


async def _report(c: Command[NewReport]) -> Any:
    return await execution.report(c.uow, c.principal, decode_id("op", c.id), c.body)


async def _correct(c: Command[ReportCorrection]) -> Any:
    return await execution.correct(c.uow, c.principal, decode_id("rep", c.id), c.body)


async def _inspect(c: Command[NewInspection]) -> Any:
    return await execution.inspect(c.uow, c.principal, c.body)


async def _sign(c: Command[NewSignature]) -> Any:
    return await signatures.sign(c.uow, c.principal, c.context.prover, c.body.subject, c.body)


def _pin(name: str, description: str) -> Verb:
    async def run(c: Command[PublishBody]) -> Any:
        slot_id = decode_id("slt", c.id)
        c.because(c.body.reason)
        return await schedules.pin(c.uow, c.principal, None, slot_id, pinned=name == "pin")

    return Verb(types.Slot, run, description, PublishBody, takes_match=False)


def _master(kind: MasterKind) -> dict[str, Verb]:
    words = kind.name.replace("_", " ")

    async def put(c: Command[Any]) -> Any:
        check_code(c.id)
        access = c.principal.require(kind.resource, "create")
        known = await master_data.look_up(c.uow, kind, c.id)
        if known is not None:
            c.match(lambda: c.principal.show(access, known))
        return (await master_data.put(c.uow, c.principal, kind, c.id, c.body, known))[0]

    async def archive(c: Command[None]) -> Any:
        access = c.principal.require(kind.resource, "archive")
        known = await master_data.find(c.uow, c.principal, kind, c.id)
        c.match(lambda: c.principal.show(access, known))
        return await master_data.archive(c.uow, c.principal, kind, known)

    shape = types.MASTER[kind.name]
    return {
        f"{kind.name}_put": Verb(shape, put, f"Create or replace the {words} of a code (`id`)", kind.body),
        f"{kind.name}_archive": Verb(shape, archive, f"Retire a {words}"),
    }


async def _plan(c: Command[NewScheduleRun]) -> Any:
    return await runs.request_run(c.uow, c.principal, c.body)


async def _stop(c: Command[None]) -> Any:
    return await schedules.stop(c.uow, c.principal, decode_id("run", c.id))


async def _publish(c: Command[PublishBody]) -> Any:
    schedule_id = decode_id("sch", c.id)
    if c.if_match:
        row = await schedules.get_schedule(c.uow, c.principal, schedule_id, lock=True)
        c.match(lambda: types.SCHEDULE_KIND.node(c.principal, row).shown)
    c.because(c.body.reason)
    return await schedules.publish(c.uow, c.principal, schedule_id)


async def _create_listing(c: Command[NewListing]) -> Any:
    return await listings.create(c.uow, c.principal, c.body)


async def _replace_listing(c: Command[NewListing]) -> Any:
    listing_id = decode_id("lst", c.id)
    before = await listings.get(c.uow, c.principal, listing_id)
    c.match(lambda: types.LISTING_KIND.node(c.principal, before).shown)
    return await listings.replace(c.uow, c.principal, listing_id, c.body)


async def _create_request(c: Command[NewRequest]) -> Any:
    return await requests.create(c.uow, c.principal, c.body)


def _listing_command(name: str) -> Verb:
    async def run(c: Command[Reasoned]) -> Any:
        listing_id = decode_id("lst", c.id)
        before = await listings.get(c.uow, c.principal, listing_id)
        c.match(lambda: types.LISTING_KIND.node(c.principal, before).shown)
        c.because(c.body.reason)
        return await listings.command(c.uow, c.principal, listing_id, name)

    return Verb(types.Listing, run, f"{name.capitalize()} a listing", Reasoned)


def _request_command(name: str) -> Verb:
    async def run(c: Command[Reasoned]) -> Any:
        request_id = decode_id("mrq", c.id)
        before = await requests.get(c.uow, c.principal, request_id)
        c.match(lambda: types.REQUEST_KIND.node(c.principal, before).shown)
        c.because(c.body.reason)
        return await requests.command(c.uow, c.principal, request_id, name)

    return Verb(types.MarketRequest, run, f"{name.capitalize()} a market request", Reasoned)


async def _sign_nda(c: Command[NDASignature]) -> Any:
    return await quotes.sign_nda(c.uow, c.principal, decode_id("mrq", c.id), c.body)


async def _submit_quote(c: Command[NewQuote]) -> Any:
    return await quotes.submit(c.uow, c.principal, decode_id("mrq", c.id), c.body)


def _quote_command(name: str, struct: type[Terms | Reasoned]) -> Verb:
    async def run(c: Command[Any]) -> Any:
        quote_id = decode_id("quo", c.id)
        before = await quotes.get(c.uow, c.principal, quote_id)
        c.match(lambda: types.QUOTE_KIND.node(c.principal, before).shown)
        if struct is Terms:
            return await quotes.command(c.uow, c.principal, quote_id, name, c.body)
        c.because(c.body.reason)
        return await quotes.command(c.uow, c.principal, quote_id, name)

    return Verb(types.Quote, run, f"{name.capitalize()} a quote; who made the standing offer waits", struct)


async def _award(c: Command[Award]) -> Any:
    c.because(c.body.reason)
    return await contracts.award(c.uow, c.principal, decode_id("mrq", c.id), decode_id("quo", c.body.quote_id))


async def _issue_invoice(c: Command[InvoicePeriod]) -> Any:
    return await invoicing.issue(c.uow, c.principal, c.body.period)


async def _set_spend_limit(c: Command[SpendLimit]) -> Any:
    return await limits.set_limit(c.uow, c.principal, c.body)


def _contract_command(name: str) -> Verb:
    async def run(c: Command[ContractCommandBody]) -> Any:
        contract_id = decode_id("ctr", c.id)
        before = await contracts.get(c.uow, c.principal, contract_id)
        c.match(lambda: types.CONTRACT_KIND.node(c.principal, before).shown)
        c.because(c.body.reason)
        return await contracts.command(c.uow, c.principal, contract_id, name, c.body)

    return Verb(types.Contract, run, f"{name.replace('-', ' ').capitalize()} a contract", ContractCommandBody)


MUTATIONS: Mapping[str, Verb] = {
    "work_order_create": Verb(types.WorkOrder, _create_order, "Enter a work order", NewWorkOrder, takes_id=False),
    "work_order_update": Verb(types.WorkOrder, _update_order, "Change fields of an open work order", WorkOrderPatch),
    **{f"work_order_{name}": _order_command(name) for name in sorted(ORDER_COMMANDS)},
    "work_order_receive": Verb(types.Receipt, _receive, "Book finished goods in", NewReceipt),
    "operation_create": Verb(types.Operation, _add_operation, "Add an operation to the order `id`", NewOperation),
    "operation_update": Verb(types.Operation, _update_operation, "Change fields of an operation", OperationPatch),
    **{
        f"operation_{name}": _operation_command(name)
        for name in sorted(OPERATION_COMMANDS | {"assign", "kit", "rework"})
    },
    "operation_report": Verb(
        types.Report, _report, "Report time and quantity of the operation `id`", NewReport, takes_match=False
    ),
    "report_correct": Verb(types.Report, _correct, "Replace a report", ReportCorrection, takes_match=False),
    "inspection_create": Verb(
        types.Inspection, _inspect, "Record the result of an inspection", NewInspection, takes_id=False
    ),
    "signature_create": Verb(types.Signature, _sign, "Sign a work order or an operation", NewSignature, takes_id=False),
    **{name: verb for kind in types.PUT_BY_CODE for name, verb in _master(kind).items()},
    "schedule_run_create": Verb(types.ScheduleRun, _plan, "Queue a run of the planner", NewScheduleRun, takes_id=False),
    "schedule_run_stop": Verb(types.ScheduleRun, _stop, "Stop a run and keep its best plan", takes_match=False),
    "schedule_publish": Verb(types.Schedule, _publish, "Make a proposed plan the one in force", PublishBody),
    "slot_pin": _pin("pin", "Have the next plans keep a place"),
    "slot_unpin": _pin("unpin", "Let the next plan move a place again"),
    **PLANNING,
    "listing_create": Verb(types.Listing, _create_listing, "Put capacity on the market", NewListing, takes_id=False),
    "listing_put": Verb(types.Listing, _replace_listing, "Replace a listing", NewListing),
    **{f"listing_{name}": _listing_command(name) for name in sorted(listings.LISTING_COMMANDS)},
    "market_request_create": Verb(
        types.MarketRequest, _create_request, "Draft a request for capacity", NewRequest, takes_id=False
    ),
    **{f"market_request_{name}": _request_command(name) for name in ("publish", "withdraw", "cancel")},
    "market_request_award": Verb(
        types.Contract, _award, "Award a request to a quote, which makes the contract", Award, takes_match=False
    ),
    "nda_sign": Verb(
        types.NDA, _sign_nda, "Sign the agreement of the request `id` on the board", NDASignature, takes_match=False
    ),
    "quote_submit": Verb(types.Quote, _submit_quote, "Quote on the request `id`", NewQuote, takes_match=False),
    "quote_counter": _quote_command("counter", Terms),
    **{f"quote_{name}": _quote_command(name, Reasoned) for name in ("accept", "decline", "withdraw")},
    **{f"contract_{name.replace('-', '_')}": _contract_command(name) for name in sorted(CONTRACT_COMMANDS)},
    "invoice_issue": Verb(
        types.Invoice, _issue_invoice, "Close the open period and issue its invoice", InvoicePeriod, takes_id=False
    ),
    "spend_limit_put": Verb(
        types.SpendLimit, _set_spend_limit, "Set what a billing period may cost", SpendLimit, takes_id=False
    ),
}
