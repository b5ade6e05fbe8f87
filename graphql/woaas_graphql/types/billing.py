"""What processed orders and settled contracts cost."""

from typing import Any, cast
from uuid import UUID

import strawberry

from woaas_billing.invoice_repository import lines_of
from woaas_billing.resources import INVOICE, SETTLEMENT, SPEND_LIMIT, USAGE_EVENT, priced
from woaas_core.money import Currency, Money
from woaas_core.wire import money_view
from woaas_graphql.context import Context, Info
from woaas_graphql.nodes import Kind, Node
from woaas_graphql.scalars import Decimal
from woaas_graphql.shapes import shows
from woaas_graphql.types.links import MONEY, LazyOrder, link, order_of
from woaas_security.authz.resource import Resource


def _priced(resource: Resource, *amounts: str) -> Kind:
    """The kind of a resource whose amounts are minor units of its currency."""
    return Kind(
        resource,
        lambda principal, access, row: principal.show(access, priced(cast("Any", row), *amounts)),
        ("currency", *amounts),
    )


INVOICE_KIND = _priced(INVOICE, "total_minor")


@strawberry.type
class InvoiceLine:
    """A line; amounts are rounded half up once, here."""

    description: str | None
    meter: str | None
    kind: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: MONEY | None  # pyright: ignore[reportInvalidTypeForm]


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

    lines: list[InvoiceLine] | None = link(_lines, "What it charges")


@shows(_priced(SETTLEMENT, "gross_minor", "fee_minor", "net_minor"), {"gross": MONEY, "fee": MONEY, "net": MONEY})
class Settlement:
    """What a settled contract moved."""


@shows(_priced(SPEND_LIMIT, "soft_minor", "hard_minor"), {"soft": MONEY, "hard": MONEY})
class SpendLimit:
    """What a billing period may cost."""


@shows(Kind(USAGE_EVENT))
class UsageEvent:
    """A processed order, counted once."""

    work_order: LazyOrder | None = link(order_of, "The order processed")
