"""Policies of a tenant's own: what a plan minimises and how it is asked for, put by code, every version kept."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.durations import format_duration
from woaas_core.wire import Body, DurationText, Name, Text, duration_of, invalid
from woaas_solver_farm.objective import PRESETS
from woaas_solver_farm.problem import Metric
from woaas_work_orders.resources.kinds import Record, master_kind

Weight = Annotated[float, msgspec.Meta(ge=0, le=1e9)]

MAX_TIME_LIMIT = timedelta(hours=1)
MAX_HORIZON = timedelta(days=366)
# How a run is asked for: the shortest and the longest of each.
LENGTHS = {
    "horizon": (timedelta(seconds=1), MAX_HORIZON),
    "frozen": (timedelta(0), MAX_HORIZON),
    "time_limit": (timedelta(seconds=1), MAX_TIME_LIMIT),
}
# Raised when a preset's weights change, so that runs before and after can be told apart.
PRESET_VERSION = 1


class Goal(Body, kw_only=True):
    """A figure to keep small; its weight counts where goals are summed up."""

    metric: Metric
    weight: Weight = 1.0


class Goals(Body, kw_only=True):
    """What to minimise: the weighted sum of the terms, or one term after another in the order given."""

    mode: Literal["weighted", "lexicographic"] = "weighted"
    terms: Annotated[list[Goal], msgspec.Meta(min_length=1, max_length=8)]


class Policy(Record, kw_only=True):
    """What plans minimise, and what their runs are asked with unless the request says otherwise."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    objective: Goals
    horizon: DurationText | UnsetType = UNSET
    frozen: DurationText | UnsetType = UNSET
    time_limit: DurationText | UnsetType = UNSET


def check_length(text: str, name: str) -> str:
    """A duration that a run is asked with, in its canonical form.

    Raises:
        Invalid: outside the range of ``LENGTHS``.
    """
    least, most = LENGTHS[name]
    length = duration_of(text, f"/{name}")
    if not least <= length <= most:
        raise invalid(f"/{name}", "invalid", f"From {format_duration(least)} to {format_duration(most)}.")
    return format_duration(length)


def _check(code: str, policy: Policy) -> None:
    if code in PRESETS:
        raise invalid("/code", "invalid", f"{code!r} is a preset; choose another code.")
    terms = policy.objective.terms
    named = [term.metric for term in terms]
    for i, metric in enumerate(named):
        if metric in named[:i]:
            raise invalid(f"/objective/terms/{i}/metric", "invalid", f"{metric!r} is there twice.")
    if policy.objective.mode == "weighted" and not any(term.weight for term in terms):
        raise invalid("/objective/terms", "invalid", "At least one weight must be above zero.")
    for name in LENGTHS:
        value = getattr(policy, name)
        if value is not UNSET:
            setattr(policy, name, check_length(value, name))


POLICY = master_kind("policies", "policy", "pol", Policy, check=_check, keeps_versions=True)


def preset_bodies() -> dict[str, dict[str, Any]]:
    """The built-in policies in the shape of a tenant's own, by code."""
    return {
        code: {
            "objective": {
                "mode": objective.mode,
                "terms": [{"metric": term.metric, "weight": term.weight} for term in objective.terms],
            }
        }
        for code, objective in PRESETS.items()
    }
