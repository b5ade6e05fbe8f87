"""Answers about plans, usage, invoices and settlements."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DecimalText, MoneyBody


class PlanView(View, kw_only=True):
    """A version of what a plan costs; `price.model` is per_unit, graduated, volume or package."""

    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    meter: str | UnsetType = UNSET
    price: dict[str, Any] | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    valid_from: datetime | UnsetType = UNSET


class PeriodView(View, kw_only=True):
    """A billing period: half-open from `starts_at`; `renews_at` is when it is due to be closed."""

    number: int | UnsetType = UNSET
    status: str | UnsetType = UNSET
    plan: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    starts_at: datetime | UnsetType = UNSET
    renews_at: datetime | UnsetType = UNSET
    ends_at: datetime | None | UnsetType = UNSET


class SpendLimitView(View, kw_only=True):
    """What a period may cost."""

    soft: MoneyBody | None | UnsetType = UNSET
    hard: MoneyBody | None | UnsetType = UNSET
    releases_left: int | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class SubscriptionView(Struct, kw_only=True):
    """The plan in force and the period it is counted in."""

    plan: str
    state: str
    current_period: str
    period: PeriodView
    price: PlanView
    spend_limit: SpendLimitView | None | UnsetType = UNSET


class UsageView(Struct, kw_only=True):
    """What a period holds; `amount` is what its invoice comes to and needs the right to see invoices."""

    period: str
    status: str
    meter: str
    processed_orders: int
    count: int
    free: int
    billable: int
    amount: MoneyBody | UnsetType = UNSET


class UsageEventView(View, kw_only=True):
    """A processed order; `id` is `{work_order_id}:processed`, and `audit_index` where its completion is in the log."""

    work_order_id: str | UnsetType = UNSET
    number: str | UnsetType = UNSET
    period: str | UnsetType = UNSET
    meter: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    quantity: DecimalText | UnsetType = UNSET
    event_id: str | UnsetType = UNSET
    audit_index: int | UnsetType = UNSET
    occurred_at: datetime | UnsetType = UNSET
    recorded_at: datetime | UnsetType = UNSET


class InvoiceLineView(Struct, kw_only=True):
    """A line; amounts are rounded half up once, here."""

    description: str
    meter: str
    kind: str
    quantity: DecimalText
    unit_price: DecimalText
    amount: MoneyBody


class InvoiceView(View, kw_only=True):
    """An issued invoice; it never changes, and `content_sha256` proves it."""

    number: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    period: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    total: MoneyBody | UnsetType = UNSET
    content_sha256: str | UnsetType = UNSET
    issued_at: datetime | UnsetType = UNSET
    lines: list[InvoiceLineView] | UnsetType = UNSET


class InvoicePreview(Struct, kw_only=True):
    """What issuing now would come to."""

    period: str
    state: str
    currency: str | UnsetType = UNSET
    total: MoneyBody | UnsetType = UNSET
    lines: list[InvoiceLineView] | UnsetType = UNSET


class SettlementView(View, kw_only=True):
    """What a settled contract moved: gross is fee plus net."""

    contract_id: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    gross: MoneyBody | UnsetType = UNSET
    fee: MoneyBody | UnsetType = UNSET
    net: MoneyBody | UnsetType = UNSET
    settled_at: datetime | UnsetType = UNSET


class AccountBalance(Struct, kw_only=True):
    """An account of the ledger; a debit balance is positive."""

    account: str
    balance: MoneyBody


class DifferenceView(Struct, kw_only=True):
    """Two figures that should agree and do not."""

    check: str
    subject: str
    expected: str
    found: str


class Reconciliation(Struct, kw_only=True):
    """Orders, usage, invoice lines and ledger side by side; a sound book has no differences."""

    orders_processed: int
    orders_unread: int
    usage_events: int
    units_invoiced: DecimalText
    units_open: DecimalText
    invoiced: list[MoneyBody]
    ledger: list[AccountBalance]
    differences: list[DifferenceView]
