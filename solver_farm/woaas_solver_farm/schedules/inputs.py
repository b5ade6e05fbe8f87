"""What callers send about runs: the shapes both doors read."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, DurationText, Instant
from woaas_solver_farm.policies import Weight
from woaas_solver_farm.problem import Metric
from woaas_solver_farm.scenarios import OrderKey

PolicyCode = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="A preset or a policy of your own")]
ScenarioKey = Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="A scenario's code or id")]


class NewScheduleRun(Body, kw_only=True):
    """A plan to make. Null is: all open orders, from now, against the published plan, of the live plant.

    What is left out is as the policy says, else as the defaults say.
    """

    policy: PolicyCode | UnsetType = UNSET
    weights: dict[Metric, Weight] | None | UnsetType = UNSET
    horizon: DurationText | UnsetType = UNSET
    start_at: Instant | None | UnsetType = UNSET
    frozen: DurationText | UnsetType = UNSET
    time_limit: DurationText | UnsetType = UNSET
    deadline: Annotated[Instant, msgspec.Meta(description="The plan must be there by then")] | None | UnsetType = UNSET
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | UnsetType = UNSET
    iterations: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None | UnsetType = UNSET
    work_orders: Annotated[list[OrderKey], msgspec.Meta(max_length=10_000)] | None | UnsetType = UNSET
    scenario: ScenarioKey | None | UnsetType = UNSET
    baseline_schedule_id: str | None | UnsetType = UNSET
    include_forecast: Annotated[bool, msgspec.Meta(description="Plan virtual orders too")] | UnsetType = UNSET
    priority: Annotated[int, msgspec.Meta(ge=1, le=5, description="1 is solved first")] | UnsetType = UNSET


class PublishBody(Body, kw_only=True):
    """What goes with publishing a plan."""

    reason: Annotated[str, msgspec.Meta(max_length=4000)] | UnsetType = UNSET


RunStatus = Literal["queued", "solving", "feasible", "finished", "stopped", "failed"]
