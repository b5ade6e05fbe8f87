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
    currency: str | None


class Subscription(Model):
    """The plan the tenant is on."""

    id: str | None
    plan: str | None
    state: str | None
    current_period: str | None


class Usage(Model):
    """What a period has cost so far."""

    period: str | None
    processed_orders: int | None
    amount: Money | None


class UsageEvent(Model):
    """One billed thing; `id` is `{work_order_id}:processed` for an order, so it can only exist once."""

    id: str
    kind: str | None
    work_order_id: str | None
    period: str | None
    quantity: Decimal | None
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
    subtotal: Money | None
    tax: Money | None
    total: Money | None
    issued_at: datetime | None


class Settlement(Model):
    """What a contract paid, and the fee on it."""

    id: str | None
    contract_id: str | None
    gross: Money | None
    fee: Money | None
    net: Money | None
