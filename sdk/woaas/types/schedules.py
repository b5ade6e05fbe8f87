"""Plans and the runs that make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration, Instant


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
    objective: float | None
    metrics: dict[str, object] | None
    overflow: list[Overflow]
    start_at: datetime | None
    end_at: datetime | None
    published_at: datetime | None
    duration_model_version: int | None
    created_at: datetime | None


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
