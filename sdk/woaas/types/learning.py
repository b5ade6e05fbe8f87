"""Learned durations, forecasts and proposals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Required, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration, Instant, Quantity


class DurationErrors(Model):
    """Errors on the latest closed operations: of the median in percent, and the quantile loss over the time taken."""

    mape: float | None
    pinball: float | None
    model_version: int | None


class DurationComparison(Model):
    """The new model, the one then in force and the standard times, on the same operations."""

    candidate: DurationErrors | None
    in_force: DurationErrors | None
    standard: DurationErrors | None


class DurationModel(Model):
    """A version of what closed operations taught about how long work takes."""

    id: str
    model_version: int | None
    status: str | None
    state: str | None
    livemode: bool | None
    quantile: float | None
    history: timedelta | None
    promote: bool | None
    trained_from: datetime | None
    trained_until: datetime | None
    operations: int | None
    holdout_operations: int | None
    cells: int | None
    errors: DurationComparison | None
    error: str | None
    created_at: datetime | None
    finished_at: datetime | None
    promoted_at: datetime | None
    retired_at: datetime | None


class ProposalChange(Model):
    """An operation that would be elsewhere, at another time or with another person."""

    operation_id: str | None
    work_order_id: str | None
    old_work_center: str | None
    new_work_center: str | None
    old_operator: str | None
    new_operator: str | None
    old_start_at: datetime | None
    old_end_at: datetime | None
    new_start_at: datetime | None
    new_end_at: datetime | None


class ProposalOrder(Model):
    """An order's end in the old plan, in the new one, and in reality."""

    work_order_id: str | None
    number: str | None
    due_at: datetime | None
    old_end_at: datetime | None
    new_end_at: datetime | None
    realised_end_at: datetime | None
    deviation_minutes: float | None


class Proposal(Model):
    """A new plan that delays or a breakdown led to; `response_time` is from the first cause to the plan."""

    id: str
    state: str | None
    livemode: bool | None
    run_id: str | None
    schedule_id: str | None
    baseline_schedule_id: str | None
    causes: list[Model]
    exception_at: datetime | None
    response_time: timedelta | None
    reason: str | None
    decided_by: str | None
    decided_at: datetime | None
    created_at: datetime | None
    changes: list[ProposalChange]
    orders: list[ProposalOrder]
    completed_orders: int | None
    mean_deviation_minutes: float | None


class ForecastBucket(Model):
    """What is expected of a product in a period; its virtual order holds what real orders have not used up."""

    id: str
    state: str | None
    product: str | None
    unit: str | None
    start_at: datetime | None
    end_at: datetime | None
    quantity: Decimal | None
    consumed: Decimal | None
    work_order_id: str | None


class Forecast(Model):
    """Expected demand, given or computed."""

    id: str
    status: str | None
    livemode: bool | None
    method: str | None
    fits: dict[str, object] | None
    error: str | None
    created_at: datetime | None
    finished_at: datetime | None
    buckets: list[ForecastBucket]


class BucketInput(TypedDict, total=False):
    """A bucket as known elsewhere."""

    product: Required[str]
    quantity: Required[Quantity]
    unit: str
    start_at: Required[Instant]
    end_at: Required[Instant]


class ForecastFields(TypedDict, total=False):
    """Either `buckets`, or how to compute them from the orders so far."""

    buckets: Sequence[BucketInput]
    method: str
    products: Sequence[str] | None
    bucket: Duration
    periods: int
    history: int
    season: int
    start_at: Instant | None


class NewForecast(ForecastFields, Call, total=False):
    """`ForecastFields` as one call."""


class DurationModelFields(TypedDict, total=False):
    """What to learn; `promote=False` leaves a better model as a candidate."""

    quantile: float
    history: Duration
    promote: bool


class NewDurationModel(DurationModelFields, Call, total=False):
    """`DurationModelFields` as one call."""
