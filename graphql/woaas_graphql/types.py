"""The object types: resources of the parts, with the links between them."""

from typing import Annotated, Any, cast
from uuid import UUID

import strawberry

from woaas_billing.invoice_repository import lines_of
from woaas_billing.resources import INVOICE, SETTLEMENT, SPEND_LIMIT, USAGE_EVENT, priced
from woaas_capacity_market.inputs import ListPrice
from woaas_capacity_market.resources import BOARD, CONTRACT, LISTING, QUOTE, REQUEST
from woaas_capacity_market.resources import NDA as NDA_RESOURCE
from woaas_capacity_market.showing import show_side
from woaas_core.conditional import encode, etag_of
from woaas_core.money import Currency, Money
from woaas_core.wire import MoneyBody, money_view
from woaas_graphql.context import Context, Info, Link, limit_of
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.scalars import JSON, DateTime, Decimal
from woaas_graphql.shapes import members_of, shows, struct_type
from woaas_security.authz.resource import Resource
from woaas_solver_farm.schedules.resources import SCHEDULE, SCHEDULE_RUN, SLOT
from woaas_work_orders.execution.resources import INSPECTION, RECEIPT, REPORT
from woaas_work_orders.orders.inputs import MaterialNeed
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.orders.views import show_parts
from woaas_work_orders.resources.kinds import KINDS, MasterKind

WORK_ORDER_KIND = Kind(WORK_ORDER)
OPERATION_KIND = Kind(OPERATION)
REPORT_KIND = Kind(REPORT)
SCHEDULE_KIND = Kind(SCHEDULE)
LISTING_KIND = Kind(LISTING)
REQUEST_KIND = Kind(REQUEST)
QUOTE_KIND = Kind(QUOTE, show_side, ("party",))
CONTRACT_KIND = Kind(CONTRACT, show_side, ("party",))

ORDER = Link(WORK_ORDER_KIND)
STEP = Link(OPERATION_KIND)
STEPS_OF_ORDER = Link(OPERATION_KIND, "work_order_id", "sequence")
PLAN = Link(SCHEDULE_KIND)

MONEY: Any = struct_type(MoneyBody)


def _priced(resource: Resource, *amounts: str) -> Kind:
    """The kind of a resource whose amounts are minor units of its currency."""
    return Kind(
        resource,
        lambda principal, access, row: principal.show(access, priced(cast("Any", row), *amounts)),
        ("currency", *amounts),
    )


INVOICE_KIND = _priced(INVOICE, "total_minor")

LazyOrder = Annotated["WorkOrder", strawberry.lazy("woaas_graphql.types")]
LazyOperation = Annotated["Operation", strawberry.lazy("woaas_graphql.types")]
LazySchedule = Annotated["Schedule", strawberry.lazy("woaas_graphql.types")]


async def _order(root: Node, info: Info) -> LazyOrder | None:
    return await info.context.one(ORDER, root.key("work_order_id"))  # type: ignore[return-value]  # a node stands for it


async def _operation(root: Node, info: Info) -> LazyOperation | None:
    return await info.context.one(STEP, root.key("operation_id"))  # type: ignore[return-value]


async def _schedule(root: Node, info: Info) -> LazySchedule | None:
    return await info.context.one(PLAN, root.key("schedule_id"))  # type: ignore[return-value]


def _etag(root: Node) -> str | None:
    """The tag that REST's ETag header has: what `ifMatch` takes."""
    return etag_of(encode(root.shown))


def _link(resolver: Any, description: str) -> Any:
    return strawberry.field(resolver, description=description)


@shows(REPORT_KIND)
class Report:
    """Time and quantity of one stretch of work."""

    operation: LazyOperation | None = _link(_operation, "The operation reported on")


async def _reports(root: Node, info: Info, first: int = 50) -> list[Report] | None:
    link = Link(REPORT_KIND, "operation_id", newest_first=True, each=limit_of(first))
    return await info.context.linked(link, root.id)  # type: ignore[return-value]


_MATERIALS: Any = list[struct_type(MaterialNeed)]  # type: ignore[misc]  # made from the struct


@shows(OPERATION_KIND, {"predecessors": list[int], "materials": _MATERIALS})
class Operation:
    """One step of a work order."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")
    work_order: LazyOrder | None = _link(_order, "The order it belongs to")
    reports: list[Report] | None = _link(_reports, "The newest reports on it")


async def _steps(root: Node, info: Info) -> list[Operation] | None:
    return await info.context.linked(STEPS_OF_ORDER, root.id)  # type: ignore[return-value]


async def _order_etag(root: Node, info: Info) -> str | None:
    context = info.context
    sees_steps = context.principal.access(OPERATION).sees_anything
    steps = await context.linked(STEPS_OF_ORDER, root.id) if sees_steps else None
    head = await context.one(ORDER, root.id) if root.row is None else root
    assert head is not None
    return etag_of(encode(show_parts(head.shown, None if steps is None else [s.shown for s in steps])))


@shows(WORK_ORDER_KIND)
class WorkOrder:
    """A whole run."""

    operations: list[Operation] | None = _link(_steps, "Its steps in sequence")
    etag: str | None = _link(_order_etag, "What `ifMatch` takes; it covers the operations, as REST's ETag does")


@shows(Kind(INSPECTION))
class Inspection:
    """The result of inspecting an operation."""

    work_order: LazyOrder | None = _link(_order, "The order inspected")


@shows(Kind(RECEIPT))
class Receipt:
    """A booking of finished goods."""

    work_order: LazyOrder | None = _link(_order, "The order received")


@shows(SCHEDULE_KIND, {"overflow": JSON})
class Schedule:
    """A plan."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")


@strawberry.type
class InvoiceLine:
    """A line; amounts are rounded half up once, here."""

    description: str | None
    meter: str | None
    kind: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: MONEY | None  # pyright: ignore[reportInvalidTypeForm]


@shows(Kind(SCHEDULE_RUN))
class ScheduleRun:
    """A run of the planner."""

    schedule: LazySchedule | None = _link(_schedule, "The plan it made")


@shows(Kind(SLOT))
class Slot:
    """The place of an operation in a plan."""

    operation: LazyOperation | None = _link(_operation, "What is planned")
    work_order: LazyOrder | None = _link(_order, "The order it belongs to")
    schedule: LazySchedule | None = _link(_schedule, "The plan it belongs to")


@shows(LISTING_KIND, {"price": struct_type(ListPrice)})
class Listing:
    """Capacity put on the market."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")


@shows(REQUEST_KIND, {"max_price": MONEY})
class MarketRequest:
    """A request for outside capacity."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")
    operation: LazyOperation | None = _link(_operation, "What is to be made outside")
    work_order: LazyOrder | None = _link(_order, "The order it belongs to")


@shows(Kind(BOARD))
class Teaser:
    """A request as the board shows it: classes, a band, a window; nobody's name."""


@shows(Kind(NDA_RESOURCE))
class NDA:
    """A signed confidentiality agreement with what it opens."""


@shows(QUOTE_KIND, {"price": MONEY})
class Quote:
    """An offer as your side sees it; `withinMaxPrice` is the buyer's alone."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")


@shows(CONTRACT_KIND, {"price": MONEY})
class Contract:
    """A deal as your side sees it."""

    etag: str | None = _link(_etag, "What `ifMatch` takes")


async def _lines(root: Node, info: Info) -> list[InvoiceLine] | None:
    root.read("total")  # who may not see what it comes to sees no line either
    return await info.context.loaded(_load_lines, root.id)  # type: ignore[no-any-return]


async def _load_lines(context: Context, invoices: list[UUID]) -> list[list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {key: [] for key in invoices}
    for row in await lines_of(context.uow, invoices):
        amount = money_view(Money(row["amount_minor"], Currency(row["currency"])))
        found[row["invoice_id"]].append({**row, "amount": amount})
    return [found[key] for key in invoices]


@shows(INVOICE_KIND, {"total": MONEY})
class Invoice:
    """An issued invoice; it never changes."""

    lines: list[InvoiceLine] | None = _link(_lines, "What it charges")


@shows(_priced(SETTLEMENT, "gross_minor", "fee_minor", "net_minor"), {"gross": MONEY, "fee": MONEY, "net": MONEY})
class Settlement:
    """What a settled contract moved."""


@shows(_priced(SPEND_LIMIT, "soft_minor", "hard_minor"), {"soft": MONEY, "hard": MONEY})
class SpendLimit:
    """What a billing period may cost."""


@shows(Kind(USAGE_EVENT))
class UsageEvent:
    """A processed order, counted once."""

    work_order: LazyOrder | None = _link(_order, "The order processed")


def _master(kind: MasterKind) -> Any:
    members = {n: t for n, t in members_of(kind.body).items() if n != "code"}
    shape = type(kind.body.__name__, (), {"__doc__": kind.body.__doc__, "__annotations__": {"etag": str | None}})
    shape.etag = _link(_etag, "What `ifMatch` takes")  # type: ignore[attr-defined]
    return shows(Kind(kind.resource), members)(shape)


MASTER: dict[str, Any] = {kind.name: _master(kind) for kind in KINDS}


@strawberry.type
class Event:
    """A fact of the log as CloudEvents 1.0 writes it."""

    id: strawberry.ID
    specversion: str | None
    source: str | None
    type: str | None
    time: DateTime | None
    subject: str | None
    datacontenttype: str | None
    tenantid: str | None
    auditindex: int | None
    livemode: bool | None
    workorder: strawberry.ID | None
    data: JSON | None


@strawberry.type
class Actor:
    """Who did it."""

    type: str | None
    id: strawberry.ID | None


@strawberry.type
class AuditEntry:
    """An entry of the log; changes you may not read are null and named in `maskedFields`."""

    id: strawberry.ID
    index: int | None
    type: str | None
    at: DateTime | None
    actor: Actor | None
    subject: str | None
    work_order: strawberry.ID | None
    request_id: str | None
    reason: str | None
    version: list[int | None] | None
    data: JSON | None
    changes: JSON | None
    leaf_hash: str | None
    masked_fields: list[str] | None


@strawberry.type
class Me:
    """The caller, and what he may see and do."""

    id: strawberry.ID
    type: str | None
    name: str | None
    tenant_id: strawberry.ID | None
    tenant_name: str | None
    time_zone: str | None
    livemode: bool | None
    roles: list[str] | None
    scopes: list[str] | None
    permissions: JSON | None
