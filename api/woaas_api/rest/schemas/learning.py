"""Answers about duration models."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DurationText
from woaas_solver_farm.learning.inputs import ModelState, TrainingStatus


class ErrorsView(Struct, kw_only=True):
    """Errors on the hold-out: mean absolute percentage of the median, and pinball loss over the time taken."""

    mape: float | None
    pinball: float | None
    model_version: int | UnsetType = UNSET


class ComparisonView(Struct, kw_only=True):
    """The new model, the one then in force and the standard times, on the same operations."""

    candidate: ErrorsView
    in_force: ErrorsView | None
    standard: ErrorsView


class DurationModelView(View, kw_only=True):
    """A version of the duration model. Its training has ended when finished_at is set."""

    model_version: int | UnsetType = UNSET
    status: TrainingStatus | UnsetType = UNSET
    state: ModelState | UnsetType = UNSET
    quantile: float | UnsetType = UNSET
    history: DurationText | UnsetType = UNSET
    promote: bool | UnsetType = UNSET
    trained_from: datetime | None | UnsetType = UNSET
    trained_until: datetime | None | UnsetType = UNSET
    operations: int | UnsetType = UNSET
    holdout_operations: int | UnsetType = UNSET
    cells: int | UnsetType = UNSET
    errors: ComparisonView | None | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET
    promoted_at: datetime | None | UnsetType = UNSET
    retired_at: datetime | None | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET
