"""Plans and the runs that make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration, Instant
from woaas.types.plant import Master, MasterFields


class Slot(Model):
    """One operation's place in a plan, and why it is there."""

    id: str | None
    operation_id: str | None
    work_order_id: str | None
    work_center: str | None
    operator: str | None
    setup_start_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    outsourced: bool | None
    pinned: bool | None
    reasons: list[object]
    cause_operation_id: str | None
    duration_source: str | None
    duration_samples: int | None
    duration_model_version: int | None


class Overflow(Model):
    """An operation without a good place, and why: candidates for the capacity market."""

    operation_id: str | None
    work_order_id: str | None
    reason: str | None


class Schedule(Model):
    """A plan."""

    id: str
    state: str | None
    livemode: bool | None
    run_id: str | None
    policy: str | None
    policy_version: int | None
    scenario: str | None
    objective: float | None
    metrics: dict[str, object] | None
    utilisation: float | None
    baselines: Model
    overflow: list[Overflow]
    start_at: datetime | None
    end_at: datetime | None
    published_at: datetime | None
    duration_model_version: int | None
    created_at: datetime | None


class Stay(Model):
    """A place before or after a move."""

    work_center: str | None
    operator: str | None
    start_at: datetime | None
    end_at: datetime | None


class MovedOperation(Model):
    """An operation that makes room."""

    operation_id: str | None
    work_order_id: str | None
    before: Stay | None
    after: Stay | None


class Impact(Model):
    """An order that would end at another time."""

    work_order_id: str | None
    due_at: datetime | None
    planned_end_at: datetime | None
    end_at: datetime | None
    late: bool | None
    became_late: bool | None
    operations_moved: int | None


class Move(Model):
    """What a move means; `refusal` says why it is not `feasible`, `delta` is the change of each metric."""

    id: str
    status: str | None
    livemode: bool | None
    feasible: bool | None
    refusal: str | None
    operation: Slot | None
    moved: list[MovedOperation]
    impacted: list[Impact]
    metrics: dict[str, object] | None
    delta: dict[str, object] | None
    schedule_id: str | None
    error: str | None


class Bar(Model):
    """What is `planned`, or what really happened (`actual`, without an end while it runs)."""

    kind: str | None
    operation_id: str | None
    work_order_id: str | None
    number: str | None
    name: str | None
    sequence: int | None
    state: str | None
    operator: str | None
    setup_start_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    due_at: datetime | None
    late: bool | None
    reasons: list[str]


class GanttRow(Model):
    """A work center's bars; without a work center it is what partners do."""

    work_center: str | None
    bars: list[Bar]


class Gantt(Model):
    """A plan as rows and bars, to draw."""

    schedule_id: str | None
    start_at: datetime | None
    end_at: datetime | None
    rows: list[GanttRow]


class Compared(Model):
    """A figure of two plans; `change` is the first one's minus the other's."""

    value: float | None
    other: float | None
    change: float | None


class ComparedOrder(Model):
    """An order that ends at another time in the two plans."""

    work_order_id: str | None
    number: str | None
    due_at: datetime | None
    end_at: datetime | None
    other_end_at: datetime | None
    difference_minutes: int | None
    lateness_minutes: int | None
    other_lateness_minutes: int | None


class ComparedMetrics(Model):
    """The metrics of two plans, in minutes, counts and money."""

    weighted_tardiness: Compared
    total_tardiness: Compared
    late_orders: Compared
    makespan: Compared
    setup_time: Compared
    flow_time: Compared
    changes: Compared
    outsourcing_cost: Compared


class Comparison(Model):
    """Two plans side by side."""

    schedule_id: str | None
    metrics: ComparedMetrics
    utilisation: Compared
    moved_operations: int | None
    orders: list[ComparedOrder]


class ChainLink(Slot):
    """A place on the way to a late end; it waited for the one before."""

    number: str | None
    name: str | None
    sequence: int | None


class LateOrder(Model):
    """An order that ends after its due time, with the chain of operations from the first cause to its end."""

    work_order_id: str | None
    number: str | None
    due_at: datetime | None
    end_at: datetime | None
    lateness_minutes: int | None
    chain: list[ChainLink]
    links_left_out: int | None


class Goal(Model):
    """A figure to keep small."""

    metric: str | None
    weight: float | None


class Goals(Model):
    """What to minimise: a weighted sum, or one goal after another."""

    mode: str | None
    terms: list[Goal]


class Policy(Master):
    """What plans minimise and how their runs are asked for; a preset has no `id`."""

    objective: Goals
    horizon: timedelta | None
    frozen: timedelta | None
    time_limit: timedelta | None


class Scenario(Master):
    """Changes over the live plant."""

    changes: Model


class RecordVersion(Model):
    """What a record said from a version on."""

    version: int | None
    created_at: datetime | None
    body: Model


class PolicyFields(MasterFields, total=False):
    """A policy to put: `{"mode": "lexicographic", "terms": [{"metric": "late_orders"}, {"metric": "setup_time"}]}`."""

    description: str
    objective: Mapping[str, object]
    horizon: Duration
    frozen: Duration
    time_limit: Duration


class ScenarioFields(MasterFields, total=False):
    """A scenario to put: `changes` may hold release, work_centers, operators, calendars, orders, removed and added."""

    description: str
    changes: Mapping[str, object]


class Incumbent(Model):
    """A better plan found while solving."""

    at: datetime | str | None
    objective: float | None


class SolveResult(Model):
    """The answer to a bare scheduling problem."""

    status: str | None
    objective: float | None
    bound: float | None
    accepted: bool | None
    metrics: dict[str, object] | None
    assignments: list[Model]


class ScheduleRunFields(TypedDict, total=False):
    """What to plan and how; everything left out is the service's choice. `time_limit` may be seconds."""

    policy: str
    weights: Mapping[str, float]
    horizon: Duration
    start_at: Instant | None
    frozen: Duration
    time_limit: Duration
    deadline: Instant | None
    priority: int
    seed: int
    iterations: int | None
    work_orders: Sequence[str] | None
    scenario: str | None
    include_forecast: bool


class NewScheduleRun(ScheduleRunFields, Call, total=False):
    """`ScheduleRunFields` as one call; `baseline` is the id of the schedule to change least."""

    baseline: str | None
