"""What callers send to the market: the shapes both doors read."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, CurrencyCode, DecimalText, DurationText, Instant, MoneyBody, Name, Quantity, Text

ClassText = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Classes = Annotated[list[ClassText], msgspec.Meta(max_length=50)]
CustomFieldName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
LevelName = Literal["teaser", "nda", "package"]


class CapacityWindow(Body, kw_only=True):
    """A stretch ``[start_at, end_at)`` in which so many orders can be taken."""

    start_at: Instant
    end_at: Instant
    slots: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1


class ListPrice(Body, kw_only=True):
    """A price per unit, machine hour or lot, with up to 12 decimals."""

    amount: DecimalText
    currency: CurrencyCode
    per: Literal["unit", "hour", "lot"] = "unit"


class NewListing(Body, kw_only=True):
    """Capacity on offer. Without windows it stands for the next 90 days, one order at a time."""

    process: ClassText
    equipment_class: ClassText | None | UnsetType = UNSET
    materials: Classes | UnsetType = UNSET
    envelope: dict[Annotated[str, msgspec.Meta(max_length=64)], str | int] | None | UnsetType = UNSET
    tolerance: Annotated[str, msgspec.Meta(max_length=100)] | None | UnsetType = UNSET
    certificates: Classes | UnsetType = UNSET
    windows: Annotated[list[CapacityWindow], msgspec.Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    price: ListPrice
    min_order: Quantity | None | UnsetType = UNSET
    region: ClassText | None | UnsetType = UNSET
    state: Literal["open", "paused"] | UnsetType = UNSET


class Disclosure(Body, kw_only=True):
    """How far the buyer opens an operation: the words of its teaser, and how far up the ladder a partner may come.

    ``custom_fields`` names the operation's custom fields that go into the package; no other one does.
    """

    level: LevelName = "package"
    process: ClassText | None = None
    equipment_class: ClassText | None = None
    material_family: ClassText | None = None
    region: ClassText | None = None
    custom_fields: Annotated[list[CustomFieldName], msgspec.Meta(max_length=50)] = []


class NewRequest(Body, kw_only=True):
    """An operation to be made elsewhere. ``disclosure`` may be just its level."""

    operation_id: str
    due_at: Instant | UnsetType = UNSET
    max_price: MoneyBody | None | UnsetType = UNSET
    disclosure: Disclosure | LevelName | UnsetType = UNSET
    expires_at: Instant | UnsetType = UNSET


class Reasoned(Body, kw_only=True):
    """A command that takes nothing but a reason."""

    reason: Text | UnsetType = UNSET


class NDASignature(Body, kw_only=True):
    """The signature under a confidentiality agreement: the printed name of whoever signs."""

    signature: Name


class Terms(Body, kw_only=True):
    """A price for the whole and the time from the award to the goods leaving."""

    price: MoneyBody
    lead_time: DurationText


class NewQuote(Terms, kw_only=True):
    """A quote; without a listing the partner's own best fitting one stands behind it."""

    listing_id: str | UnsetType = UNSET


class Award(Body, kw_only=True):
    """Which quote wins."""

    quote_id: str
    reason: Text | UnsetType = UNSET


class ContractCommandBody(Body, kw_only=True):
    """What goes with a command on a contract: report takes pieces, inspect a result."""

    reason: Text | UnsetType = UNSET
    good: Quantity | UnsetType = UNSET
    scrap: Quantity | UnsetType = UNSET
    result: Literal["pass", "rework", "reject"] | UnsetType = UNSET
