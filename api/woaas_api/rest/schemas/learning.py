"""Answers about duration models and proposals."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DurationText
from woaas_solver_farm.learning.inputs import ModelState, TrainingStatus
from woaas_solver_farm.proposals.inputs import ProposalState


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


class Cause(Struct, kw_only=True):
    """What called for a new plan: an operation that overran, a breakdown, a work center that went down."""

    kind: Literal["overrun", "breakdown", "down"]
    subject: str
    event_id: str
    at: datetime | UnsetType = UNSET


class ProposalView(View, kw_only=True):
    """A new plan to decide on; response_time is from the first cause to the plan."""

    state: ProposalState | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    schedule_id: str | UnsetType = UNSET
    baseline_schedule_id: str | UnsetType = UNSET
    causes: list[Cause] | UnsetType = UNSET
    exception_at: datetime | UnsetType = UNSET
    response_time: DurationText | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    decided_by: str | None | UnsetType = UNSET
    decided_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class ProposalChangeView(Struct, kw_only=True):
    """An operation that would be elsewhere, at another time or with another person; null where it has no place."""

    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    old_work_center: str | None | UnsetType = UNSET
    new_work_center: str | None | UnsetType = UNSET
    old_operator: str | None | UnsetType = UNSET
    new_operator: str | None | UnsetType = UNSET
    old_start_at: datetime | None | UnsetType = UNSET
    old_end_at: datetime | None | UnsetType = UNSET
    new_start_at: datetime | None | UnsetType = UNSET
    new_end_at: datetime | None | UnsetType = UNSET
    masked_fields: list[str] | UnsetType = UNSET


class ProposalOrderView(Struct, kw_only=True):
    """An order's end in the old plan, in the new one, and in reality."""

    work_order_id: str
    number: str | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    old_end_at: datetime | None
    new_end_at: datetime | None
    realised_end_at: datetime | None
    deviation_minutes: float | None


class ProposalDetail(ProposalView, kw_only=True):
    """A proposal with what it changes."""

    changes: list[ProposalChangeView] | UnsetType = UNSET
    orders: list[ProposalOrderView] | UnsetType = UNSET
    completed_orders: int | UnsetType = UNSET
    mean_deviation_minutes: float | None | UnsetType = UNSET
