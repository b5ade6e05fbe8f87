"""Answers about forecasts."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DecimalText
from woaas_work_orders.forecasts.inputs import BucketState, ForecastStatus


class FitView(Struct, kw_only=True):
    """The method that foretold the latest quarter of a product's history best, and its mean absolute error there."""

    unit: str
    method: str
    mae: float | None


class ForecastView(View, kw_only=True):
    """Expected demand; computing it has ended when finished_at is set."""

    status: ForecastStatus | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: dict[str, Any] | UnsetType = UNSET
    fits: dict[str, FitView] | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class BucketView(Struct, kw_only=True):
    """What is expected of a product in a period, what real orders used up, and the virtual order of the rest."""

    id: str | UnsetType = UNSET
    state: BucketState | UnsetType = UNSET
    product: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET
    quantity: DecimalText | UnsetType = UNSET
    consumed: DecimalText | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET


class ForecastDetail(ForecastView, kw_only=True):
    """A forecast with its buckets."""

    buckets: list[BucketView] | UnsetType = UNSET
