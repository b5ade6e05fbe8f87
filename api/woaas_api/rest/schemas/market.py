"""Answers about the capacity market."""

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DecimalText, DurationText


class MoneyView(Struct, kw_only=True):
    """An amount."""

    amount: DecimalText
    currency: str


class ListPriceView(MoneyView, kw_only=True):
    """A list price and what it is per."""

    per: Literal["unit", "hour", "lot"]


class WindowView(Struct, kw_only=True):
    """A window of a listing and how many orders it can still take."""

    start_at: datetime
    end_at: datetime
    slots: int
    free: int


class ListingView(View, kw_only=True):
    """A listing of one's own."""

    process: str | UnsetType = UNSET
    equipment_class: str | None | UnsetType = UNSET
    materials: list[str] | UnsetType = UNSET
    envelope: dict[str, Any] | UnsetType = UNSET
    tolerance: str | None | UnsetType = UNSET
    certificates: list[str] | UnsetType = UNSET
    windows: list[WindowView] | UnsetType = UNSET
    price: ListPriceView | UnsetType = UNSET
    min_order: DecimalText | UnsetType = UNSET
    region: str | None | UnsetType = UNSET
    state: str | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class TeaserView(View, kw_only=True):
    """A request as the board shows it: classes, a band, a window; nobody's name."""

    counterparty: str | UnsetType = UNSET
    process: str | None | UnsetType = UNSET
    equipment_class: str | None | UnsetType = UNSET
    material_family: str | None | UnsetType = UNSET
    quantity_band: str | UnsetType = UNSET
    window_start_at: datetime | UnsetType = UNSET
    due_at: datetime | UnsetType = UNSET
    region: str | None | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET


class DisclosureView(Struct, kw_only=True):
    """How far the buyer opens the operation."""

    level: str
    process: str | None
    equipment_class: str | None
    material_family: str | None
    region: str | None
    custom_fields: list[str]


class RequestView(View, kw_only=True):
    """A request as its buyer sees it."""

    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    process: str | None | UnsetType = UNSET
    equipment_class: str | None | UnsetType = UNSET
    material_family: str | None | UnsetType = UNSET
    quantity_band: str | UnsetType = UNSET
    window_start_at: datetime | UnsetType = UNSET
    due_at: datetime | UnsetType = UNSET
    region: str | None | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET
    max_price: MoneyView | None | UnsetType = UNSET
    disclosure: DisclosureView | UnsetType = UNSET
    open_quotes: int | UnsetType = UNSET
    contract_id: str | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class ScoreTerms(Struct, kw_only=True):
    """The terms of a score in [0, 1], rounded to 0.1; 1 is best, so ``load`` 1 is an empty shop."""

    price: float
    lateness: float
    quality: float
    distance: float
    load: float


class CandidateView(Struct, kw_only=True):
    """A listing that could take an operation."""

    listing_id: str
    counterparty: str
    score: float
    terms: ScoreTerms | UnsetType = UNSET
    explanation: list[str] | UnsetType = UNSET


class NDAView(View, kw_only=True):
    """A signed agreement with what it opens."""

    request_id: str | UnsetType = UNSET
    party: str | UnsetType = UNSET
    counterparty: str | UnsetType = UNSET
    signed_by: str | UnsetType = UNSET
    details: dict[str, Any] | UnsetType = UNSET
    signed_at: datetime | UnsetType = UNSET


class QuoteView(View, kw_only=True):
    """A quote as one's own side sees it; ``within_max_price`` is the buyer's alone."""

    request_id: str | UnsetType = UNSET
    listing_id: str | UnsetType = UNSET
    party: str | UnsetType = UNSET
    counterparty: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    price: MoneyView | UnsetType = UNSET
    lead_time: DurationText | UnsetType = UNSET
    offered_by: str | UnsetType = UNSET
    within_max_price: bool | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class PackageStamp(Struct, kw_only=True):
    """When a package was released, and the hash of what."""

    released_at: datetime
    sha256: str


class SettlementView(Struct, kw_only=True):
    """What the price split into."""

    gross: MoneyView
    fee: MoneyView
    net: MoneyView


class ContractView(View, kw_only=True):
    """A contract as one's own side sees it; ``operation_id`` and ``work_order_id`` are the buyer's alone."""

    party: str | UnsetType = UNSET
    counterparty: str | UnsetType = UNSET
    counterparty_name: str | None | UnsetType = UNSET
    state: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    quote_id: str | UnsetType = UNSET
    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    price: MoneyView | UnsetType = UNSET
    lead_time: DurationText | UnsetType = UNSET
    due_at: datetime | UnsetType = UNSET
    window_start_at: datetime | UnsetType = UNSET
    window_end_at: datetime | UnsetType = UNSET
    inspection_result: str | None | UnsetType = UNSET
    dispute_reason: str | None | UnsetType = UNSET
    good: DecimalText | UnsetType = UNSET
    scrap: DecimalText | UnsetType = UNSET
    package: PackageStamp | None | UnsetType = UNSET
    settlement: SettlementView | None | UnsetType = UNSET
    accepted_at: datetime | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class Opening(Struct, kw_only=True):
    """Fields that a grant of the buyer's opens to the partner for a while."""

    grant_id: str
    fields: dict[str, Any]
    purpose: str
    expires_at: datetime


class PackageView(Struct, kw_only=True):
    """The released package: a frozen copy of one operation's shared fields."""

    contract_id: str
    fields: dict[str, Any]
    sha256: str
    released_at: datetime
    granted: list[Opening]
