"""The capacity market: supply, demand, quotes and the contracts between two parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, Required, TypedDict

from woaas._models import Model, Money
from woaas._request import Call
from woaas._wire import Duration, Instant, MoneyInput, Quantity

from .billing import Settlement
from .work_orders import Command


class Price(Money):
    """An amount per unit, hour or lot."""

    per: str | None


class CapacityListing(Model):
    """Capacity somebody offers."""

    id: str
    state: str | None
    livemode: bool | None
    process: str | None
    equipment_class: str | None
    materials: list[str]
    certificates: list[str]
    windows: list[Model]
    price: Price | None
    min_order: Decimal | None
    region: str | None


class MarketRequest(Model):
    """Work somebody wants done."""

    id: str
    state: str | None
    livemode: bool | None
    operation_id: str | None
    work_order_id: str | None
    process: str | None
    equipment_class: str | None
    material_family: str | None
    quantity_band: str | None
    due_at: datetime | None
    region: str | None
    expires_at: datetime | None
    max_price: Money | None
    disclosure: dict[str, object] | None
    open_quotes: int | None
    contract_id: str | None


class MarketCandidate(Model):
    """A listing that fits a request, and how well."""

    listing_id: str | None
    counterparty: str | None
    score: Decimal | None
    terms: dict[str, object] | None
    explanation: list[str]


class Teaser(Model):
    """What the board tells partners of a request before they are let in."""

    id: str
    counterparty: str | None
    process: str | None
    equipment_class: str | None
    material_family: str | None
    quantity_band: str | None
    window_start_at: datetime | None
    due_at: datetime | None
    region: str | None
    expires_at: datetime | None


class NDA(Model):
    """A signed agreement, and in `details` what it opens."""

    id: str | None
    request_id: str | None
    party: str | None
    counterparty: str | None
    signed_by: str | None
    details: dict[str, object] | None
    signed_at: datetime | None


class Quote(Model):
    """An offer on a request."""

    id: str
    request_id: str | None
    listing_id: str | None
    party: str | None
    counterparty: str | None
    state: str | None
    price: Money | None
    lead_time: timedelta | None
    offered_by: str | None
    within_max_price: bool | None


class Contract(Model):
    """A contract as one party sees it; `party` says which one the caller is."""

    id: str
    state: str | None
    livemode: bool | None
    party: str | None
    counterparty: str | None
    counterparty_name: str | None
    request_id: str | None
    quote_id: str | None
    operation_id: str | None
    work_order_id: str | None
    price: Money | None
    lead_time: timedelta | None
    due_at: datetime | None
    inspection_result: str | None
    good: Decimal | None
    scrap: Decimal | None
    settlement: Settlement | None
    accepted_at: datetime | None


class Package(Model):
    """What a buyer releases to the partner: a frozen copy of one operation's shared `fields`, and its hash."""

    contract_id: str | None
    fields: dict[str, object] | None
    sha256: str | None
    released_at: datetime | None
    files: list[Model]


class DownloadToken(Model):
    """A one-time link to one file of a package."""

    token: str | None
    url: str | None
    expires_at: datetime | None


class Scorecard(Model):
    """How a party met so far has done."""


class PriceInput(TypedDict, total=False):
    """An amount per unit, hour or lot."""

    amount: Required[Quantity]
    currency: Required[str]
    per: Literal["unit", "hour", "lot"]


class ListingFields(Call, total=False):
    """Capacity to offer."""

    process: Required[str]
    equipment_class: str
    materials: Sequence[str]
    envelope: Mapping[str, object]
    tolerance: object
    certificates: Sequence[str]
    windows: Sequence[Mapping[str, object]]
    price: Required[PriceInput]
    min_order: Quantity
    region: str
    state: Literal["open", "paused"]


class NewMarketRequest(Call, total=False):
    """Work to offer; partners never see `max_price`."""

    operation_id: Required[str]
    due_at: Instant
    max_price: MoneyInput
    disclosure: Mapping[str, object] | Literal["teaser", "nda", "package"]
    expires_at: Instant


class Offer(Call, total=False):
    """A price and how long it takes."""

    price: Required[MoneyInput]
    lead_time: Required[Duration]
    listing_id: str


class ContractCommand(Command, total=False):
    """What contract commands take beside a reason: `report` pieces, `inspect` a result."""

    good: Quantity
    scrap: Quantity
    result: Literal["pass", "rework", "reject"]
