"""Plans, usage, invoices and settlements. Money is exact: `Money.amount` is a Decimal."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from woaas._models import Model, Money


class Plan(Model):
    """What the service costs."""

    id: str | None
    code: str | None
    name: str | None
    version: int | None
    meter: str | None
    price: dict[str, object] | None
    currency: str | None
    valid_from: datetime | None


class Subscription(Model):
    """The plan the tenant is on."""

    plan: str | None
    state: str | None
    current_period: str | None
    period: Model | None
    price: Plan | None
    spend_limit: Model | None


class Usage(Model):
    """What a period has cost so far: `free` of its processed orders cost nothing, `billable` ones do."""

    period: str | None
    status: str | None
    meter: str | None
    processed_orders: int | None
    free: int | None
    billable: int | None
    amount: Money | None


class UsageEvent(Model):
    """One billed thing; `id` is `{work_order_id}:processed` for an order, so it can only exist once."""

    id: str
    kind: str | None
    work_order_id: str | None
    number: str | None
    period: str | None
    meter: str | None
    quantity: Decimal | None
    event_id: str | None
    audit_index: int | None
    occurred_at: datetime | None
    recorded_at: datetime | None


class InvoiceLine(Model):
    """One line of an invoice."""

    description: str | None
    quantity: Decimal | None
    unit_price: Decimal | None
    amount: Money | None


class Invoice(Model):
    """A bill."""

    id: str | None
    number: str | None
    state: str | None
    livemode: bool | None
    period: str | None
    currency: str | None
    lines: list[InvoiceLine]
    total: Money | None
    content_sha256: str | None
    issued_at: datetime | None


class Settlement(Model):
    """What a contract paid, and the fee on it."""

    id: str | None
    contract_id: str | None
    role: str | None
    currency: str | None
    gross: Money | None
    fee: Money | None
    net: Money | None
    settled_at: datetime | None
