"""Learned durations, forecasts and proposals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration


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


class DurationModelFields(TypedDict, total=False):
    """What to learn; `promote=False` leaves a better model as a candidate."""

    quantile: float
    history: Duration
    promote: bool


class NewDurationModel(DurationModelFields, Call, total=False):
    """`DurationModelFields` as one call."""
