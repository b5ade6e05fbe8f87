"""Plans, usage, invoices and settlements over REST."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.billing import (
    InvoicePreview,
    InvoiceView,
    PlanView,
    Reconciliation,
    SettlementView,
    SpendLimitView,
    SubscriptionView,
    UsageEventView,
    UsageView,
)
from woaas_billing import invoicing, limits, subscription, verify
from woaas_billing.inputs import InvoicePeriod, SpendLimit
from woaas_billing.invoicing import OPEN
from woaas_billing.periods import METER
from woaas_billing.resources import INVOICE, PERIOD, PLAN, SETTLEMENT, SPEND_LIMIT, USAGE_EVENT, priced
from woaas_core.ids import encode_id
from woaas_core.money import Currency, Money
from woaas_core.wire import money_view
from woaas_security.authz.listing import list_rows
from woaas_security.authz.resource import Resource

if TYPE_CHECKING:
    from asyncpg import Record

TAG = "Billing"


@route("GET", "/billing/plans", tag=TAG, paging=())
async def list_plans(call: Call) -> Answer[Listed[PlanView]]:
    """List what the plans cost, every version."""
    access = call.principal.require(PLAN, "read")
    rows = await subscription.plans(call.uow, call.principal)
    return Answer({"data": [call.principal.show(access, r) for r in rows], "next_cursor": None})


@route("GET", "/billing/subscription", tag=TAG)
async def get_subscription(call: Call) -> Answer[SubscriptionView]:
    """Read the plan in force, the open period and the spend limit."""
    current = await subscription.current(call.uow, call.principal)
    shown: dict[str, Any] = {
        "plan": current.period["plan"],
        "state": "active",
        "current_period": encode_id("bp", current.period["id"]),
        "period": call.principal.show(call.principal.access(PERIOD), current.period),
        "price": call.principal.show(call.principal.access(PLAN), current.price),
    }
    if call.principal.access(SPEND_LIMIT).sees_anything:
        limit = current.limit
        shown["spend_limit"] = _show_limit(call, limit, current.releases_left) if limit is not None else None
    return Answer(shown)


@route("GET", "/billing/usage", tag=TAG)
async def get_usage(call: Call) -> Answer[UsageView]:
    """Read what a period (`period=open` or an id) holds and costs so far."""
    call.list_query(call.principal.require(USAGE_EVENT, "read"), own=("period",))
    rated = await invoicing.usage(call.uow, call.principal, call.request.query_params.get("period") or OPEN)
    shown: dict[str, Any] = {
        "period": encode_id("bp", rated.period["id"]),
        "status": rated.period["status"],
        "meter": METER,
        "processed_orders": int(rated.units),
        "count": int(rated.units),
        "free": int(rated.free_units),
        "billable": int(rated.units - rated.free_units),
    }
    if "total" in call.principal.access(INVOICE).readable:
        shown["amount"] = money_view(rated.total)
    return Answer(shown)


@route("GET", "/billing/usage-events", tag=TAG)
async def list_usage_events(call: Call) -> Answer[Listed[UsageEventView]]:
    """List the processed orders that were counted, newest first."""
    return await call.page(USAGE_EVENT)


@route("GET", "/billing/invoices", tag=TAG)
async def list_invoices(call: Call) -> Answer[Listed[InvoiceView]]:
    """List issued invoices, newest first."""
    return await _priced_page(call, INVOICE, "total_minor")


@route("GET", "/billing/invoices/{key}", tag=TAG)
async def get_invoice(call: Call, key: str) -> Answer[InvoiceView]:
    """Read an invoice by id or number, with its lines."""
    return Answer(await _show_invoice(call, await invoicing.get(call.uow, call.principal, key)))


@route("POST", "/billing/invoices/preview", tag=TAG)
async def preview_invoice(call: Call, body: InvoicePeriod) -> Answer[InvoicePreview]:
    """Preview the invoice of a period; nothing is closed or numbered."""
    rated = await invoicing.preview(call.uow, call.principal, body.period)
    shown: dict[str, Any] = {"period": encode_id("bp", rated.period["id"]), "state": "preview"}
    if "total" in call.principal.access(INVOICE).readable:
        lines = (
            {
                "description": invoicing.describe(c),
                "meter": METER,
                "kind": c.kind,
                "quantity": c.quantity,
                "unit_price": c.unit,
                "amount_minor": c.amount(rated.currency).amount_minor,
            }
            for c in rated.charges
        )
        shown["currency"] = rated.currency.code
        shown["total"] = money_view(rated.total)
        shown["lines"] = _show_lines(lines, rated.currency)
    return Answer(shown)


@route("POST", "/billing/invoices", tag=TAG, status=201)
async def issue_invoice(call: Call, body: InvoicePeriod) -> Answer[InvoiceView]:
    """Close the open period and issue its invoice; naming the period by id makes a repeat answer 200 with the first."""
    row = await invoicing.issue(call.uow, call.principal, body.period)
    status = 201 if call.uow.events else 200
    return Answer(await _show_invoice(call, row), status, f"/v1/billing/invoices/{encode_id('inv', row['id'])}")


@route("PUT", "/billing/spend-limit", tag=TAG)
async def set_spend_limit(call: Call, body: SpendLimit) -> Answer[SpendLimitView]:
    """Set what a period may cost; at `hard` release answers 409 `spend_limit_reached`, `soft` is only told of."""
    row = await limits.set_limit(call.uow, call.principal, body)
    return Answer(_show_limit(call, row, await subscription.releases_left(call.uow)))


@route("GET", "/billing/settlements", tag=TAG)
async def list_settlements(call: Call) -> Answer[Listed[SettlementView]]:
    """List what settled contracts moved, newest first."""
    return await _priced_page(call, SETTLEMENT, "gross_minor", "fee_minor", "net_minor")


@route("GET", "/billing/reconciliation", tag=TAG)
async def get_reconciliation(call: Call) -> Answer[Reconciliation]:
    """Compare orders, usage, invoice lines and ledger; `differences` is empty in a sound book."""
    return Answer(await verify.reconcile(call.uow, call.principal))


async def _priced_page(call: Call, resource: Resource, *amounts: str) -> Answer[Any]:
    access = call.principal.require(resource, "read")
    asked = call.list_query(access)
    page = await list_rows(
        call.uow, call.principal, access, asked.query, call.edge.cursors, columns=("currency", *amounts)
    )
    data = [call.principal.show(access, priced(row, *amounts), asked.fields) for row in page.rows]
    return Answer({"data": data, "next_cursor": page.next_cursor})


async def _show_invoice(call: Call, row: "Record") -> dict[str, Any]:
    access = call.principal.access(INVOICE)
    shown = call.principal.show(access, priced(row, "total_minor"))
    if "total" in access.readable:
        shown["lines"] = _show_lines(await invoicing.lines(call.uow, row["id"]), Currency(row["currency"]))
    return shown


def _show_lines(lines: "Iterable[Record | dict[str, Any]]", currency: Currency) -> list[dict[str, Any]]:
    names = ("description", "meter", "kind", "quantity", "unit_price")
    return [{**{n: r[n] for n in names}, "amount": money_view(Money(r["amount_minor"], currency))} for r in lines]


def _show_limit(call: Call, row: "Record", releases_left: int | None) -> dict[str, Any]:
    access = call.principal.access(SPEND_LIMIT)
    shown = call.principal.show(access, priced(row, "soft_minor", "hard_minor"))
    if "hard" in access.readable:
        shown["releases_left"] = releases_left
    return shown


ROUTES = (
    list_plans,
    get_subscription,
    get_usage,
    list_usage_events,
    list_invoices,
    get_invoice,
    preview_invoice,
    issue_invoice,
    set_spend_limit,
    list_settlements,
    get_reconciliation,
)
