"""Answers to fast questions: promises and moves."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.rest.schemas.work_orders import View
from woaas_solver_farm.result import Metrics
from woaas_work_orders.promises.inputs import PromiseMode, PromiseState


class Impact(Struct, kw_only=True):
    """An order that would end at another time; `planned_end_at` is its end in the plan as it is."""

    work_order_id: str
    due_at: datetime | None | UnsetType = UNSET
    planned_end_at: datetime | None
    end_at: datetime | None
    late: bool
    became_late: bool
    operations_moved: int


class PromisedPlace(Struct, kw_only=True):
    """Where and when one operation would be done."""

    sequence: int
    name: str | UnsetType = UNSET
    work_center: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    tools: list[str] | UnsetType = UNSET
    setup_group: str | None | UnsetType = UNSET
    setup_minutes: int | UnsetType = UNSET
    setup_start_at: datetime | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET


class QuotedCost(Struct, kw_only=True):
    """An amount."""

    amount: str
    currency: str


class PromiseQuote(Struct, kw_only=True):
    """What the machines would cost, where every one has a rate; sequences that could go to partners."""

    cost: QuotedCost | None
    outsource: list[int]


class PromiseView(View, kw_only=True):
    """When an order could be done. `status` is only there while the answer is not."""

    status: str | UnsetType = UNSET
    mode: PromiseMode | UnsetType = UNSET
    state: PromiseState | UnsetType = UNSET
    work_order: dict[str, Any] | None | UnsetType = UNSET
    product: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    promised_at: datetime | None | UnsetType = UNSET
    confidence: float | None | UnsetType = UNSET
    impacted: list[Impact] | UnsetType = UNSET
    places: list[PromisedPlace] | UnsetType = UNSET
    quote: PromiseQuote | None | UnsetType = UNSET
    refusal: str | None | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    work_order_id: str | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class Stay(Struct, kw_only=True):
    """A place before or after."""

    work_center: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET


class MovedOperation(Struct, kw_only=True):
    """An operation that makes room."""

    operation_id: str
    work_order_id: str
    before: Stay
    after: Stay | None


class MoveTarget(Struct, kw_only=True):
    """Where the operation asked about would be."""

    operation_id: str
    work_order_id: str
    work_center: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    setup_start_at: datetime | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET


class MoveView(View, kw_only=True):
    """What a move means; `id` is the run that works it out. `schedule_id` is the new plan, if it was no dry run."""

    status: str
    error: str | None | UnsetType = UNSET
    feasible: bool | UnsetType = UNSET
    refusal: str | None | UnsetType = UNSET
    operation: MoveTarget | UnsetType = UNSET
    moved: list[MovedOperation] | UnsetType = UNSET
    impacted: list[Impact] | UnsetType = UNSET
    metrics: Metrics | UnsetType = UNSET
    delta: dict[str, float] | UnsetType = UNSET
    schedule_id: str | UnsetType = UNSET
