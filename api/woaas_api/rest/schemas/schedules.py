"""Answers about schedule runs, schedules and slots."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, field

from woaas_api.rest.schemas.work_orders import View
from woaas_core.wire import DurationText
from woaas_solver_farm.result import Incumbent, Metrics, Result
from woaas_solver_farm.schedules.inputs import RunStatus


class ScheduleRunView(View, kw_only=True):
    """A run of the solver; objective, bound and metrics count minutes. It has ended when finished_at is set.

    `budget` is what is granted of `time_limit`: no more than the tenant's plan allows and the `deadline` leaves.
    """

    kind: str | UnsetType = UNSET
    status: RunStatus | UnsetType = UNSET
    progress: float | UnsetType = UNSET
    policy: str | None | UnsetType = UNSET
    policy_version: int | None | UnsetType = UNSET
    weights: dict[str, float] | None | UnsetType = UNSET
    horizon: DurationText | None | UnsetType = UNSET
    start_at: datetime | None | UnsetType = UNSET
    frozen: DurationText | None | UnsetType = UNSET
    time_limit: DurationText | UnsetType = UNSET
    deadline: datetime | None | UnsetType = UNSET
    budget: DurationText | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    iterations: int | None | UnsetType = UNSET
    work_orders: list[str] | None | UnsetType = UNSET
    scenario: str | None | UnsetType = UNSET
    scenario_version: int | None | UnsetType = UNSET
    baseline_schedule_id: str | None | UnsetType = UNSET
    include_forecast: bool | None | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    objective: float | None | UnsetType = UNSET
    bound: float | None | UnsetType = UNSET
    gap: float | None | UnsetType = UNSET
    metrics: Metrics | None | UnsetType = UNSET
    incumbents: list[Incumbent] | UnsetType = UNSET
    error: str | None | UnsetType = UNSET
    schedule_id: str | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    started_at: datetime | None | UnsetType = UNSET
    finished_at: datetime | None | UnsetType = UNSET


class SolveView(ScheduleRunView, kw_only=True):
    """A private solve with its result once it has ended; kept for 24 hours."""

    result: Result | None | UnsetType = UNSET


class Overflowed(Struct, kw_only=True):
    """An operation without a good place."""

    operation_id: str
    work_order_id: str
    reason: str


class BaselineView(Struct, kw_only=True):
    """What a plain rule would have made of the same problem; `moved_operations` are those the plan places otherwise."""

    metrics: Metrics
    utilisation: float | None
    moved_operations: int


class ScheduleView(View, kw_only=True):
    """A plan."""

    state: str | UnsetType = UNSET
    run_id: str | UnsetType = UNSET
    policy: str | None | UnsetType = UNSET
    policy_version: int | None | UnsetType = UNSET
    scenario: str | None | UnsetType = UNSET
    objective: float | None | UnsetType = UNSET
    metrics: Metrics | UnsetType = UNSET
    utilisation: float | None | UnsetType = UNSET
    baselines: dict[str, BaselineView] | UnsetType = UNSET
    overflow: list[Overflowed] | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET
    frozen: DurationText | UnsetType = UNSET
    published_at: datetime | None | UnsetType = UNSET
    duration_model_version: int | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


class SlotView(View, kw_only=True):
    """The place of one operation in a plan, with what holds it there."""

    schedule_id: str | UnsetType = UNSET
    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    work_center: str | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    setup_start_at: datetime | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | UnsetType = UNSET
    outsourced: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    reasons: list[str] | UnsetType = UNSET
    cause_operation_id: str | None | UnsetType = UNSET
    duration_source: Literal["learned", "standard"] | UnsetType = UNSET
    duration_samples: int | UnsetType = UNSET
    duration_model_version: int | None | UnsetType = UNSET


class Bar(Struct, kw_only=True):
    """A bar of the chart: what is planned, or what really happened; an actual one without an end still runs."""

    kind: str
    operation_id: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    setup_start_at: datetime | UnsetType = UNSET
    start_at: datetime | UnsetType = UNSET
    end_at: datetime | None | UnsetType = UNSET
    operator: str | None | UnsetType = UNSET
    name: str | UnsetType = UNSET
    sequence: int | UnsetType = UNSET
    state: str | UnsetType = UNSET
    number: str | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    late: bool | UnsetType = UNSET
    reasons: list[str] | UnsetType = UNSET


class GanttRow(Struct, kw_only=True):
    """A work center's bars; null is what partners do."""

    work_center: str | None
    bars: list[Bar]


class Gantt(Struct, kw_only=True):
    """A plan as a chart."""

    schedule_id: str
    start_at: datetime
    end_at: datetime
    rows: list[GanttRow]


class Compared(Struct, kw_only=True):
    """A figure of two plans; `change` is this plan's minus the other's."""

    value: float | None
    other: float | None
    change: float | None


class ComparedMetrics(Struct, kw_only=True):
    """The metrics of two plans, in minutes, counts and the tenant's money."""

    weighted_tardiness: Compared
    total_tardiness: Compared
    late_orders: Compared
    makespan: Compared
    setup_time: Compared
    flow_time: Compared
    changes: Compared
    outsourcing_cost: Compared


class ComparedOrder(Struct, kw_only=True):
    """An order that ends at another time; an order that only one plan has, or that never ends, lacks that end."""

    work_order_id: str
    number: str | None | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    end_at: datetime | None
    other_end_at: datetime | None
    difference_minutes: int | None
    lateness_minutes: int | None | UnsetType = UNSET
    other_lateness_minutes: int | None | UnsetType = UNSET


class Comparison(Struct, kw_only=True):
    """Two plans side by side; `with` is what the first is compared with."""

    schedule_id: str
    with_: str = field(name="with")
    metrics: ComparedMetrics | UnsetType = UNSET
    utilisation: Compared | UnsetType = UNSET
    moved_operations: int | UnsetType = UNSET
    orders: list[ComparedOrder] | UnsetType = UNSET


class ChainLink(SlotView, kw_only=True):
    """A place on the way to a late end; it waited for the one before, as its reasons say."""

    number: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    sequence: int | None | UnsetType = UNSET


class LateOrder(Struct, kw_only=True):
    """An order that ends after its due time, and why; of a very long chain the middle is left out."""

    work_order_id: str
    number: str | None | UnsetType = UNSET
    due_at: datetime | None | UnsetType = UNSET
    end_at: datetime | None | UnsetType = UNSET
    lateness_minutes: int | None | UnsetType = UNSET
    chain: list[ChainLink]
    links_left_out: int
