"""What callers send about forecasts."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, DurationText, Instant, Quantity, Text
from woaas_work_orders.orders.inputs import UnitText

Method = Literal["auto", "croston_sba", "tsb", "seasonal_naive"]


class NewBucket(Body, kw_only=True):
    """What is expected of a product in a period."""

    product: Code
    quantity: Quantity
    unit: UnitText = "pcs"
    start_at: Instant
    end_at: Instant


class NewForecast(Body, kw_only=True):
    """Either the buckets as they are known elsewhere, or how to compute them from the orders so far."""

    buckets: Annotated[list[NewBucket], msgspec.Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    method: Method | UnsetType = UNSET
    products: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=1000)] | None | UnsetType = UNSET
    bucket: DurationText | UnsetType = UNSET
    periods: Annotated[int, msgspec.Meta(ge=1, le=52)] | UnsetType = UNSET
    history: Annotated[int, msgspec.Meta(ge=4, le=520, description="Periods to look back")] | UnsetType = UNSET
    season: Annotated[int, msgspec.Meta(ge=1, le=104, description="Periods in a season")] | UnsetType = UNSET
    start_at: Instant | None | UnsetType = UNSET


class CancelForecast(Body, kw_only=True):
    """What goes with calling a forecast off."""

    reason: Text | UnsetType = UNSET


ForecastStatus = Literal["queued", "finished", "failed"]
BucketState = Literal["open", "consumed", "released", "cancelled", "superseded", "lapsed"]
