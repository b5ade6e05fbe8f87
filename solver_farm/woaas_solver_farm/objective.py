"""Policies as lists of goals, and what a plan's figures are worth under them."""

from collections.abc import Mapping
from typing import Literal

from .problem import METRICS, Metric, Objective, Problem, Term
from .result import Metrics

Preset = Literal["on_time", "throughput", "min_changeover", "balanced"]


def _objective(mode: Literal["weighted", "lexicographic"], **weights: float) -> Objective:
    return Objective(mode=mode, terms=tuple(Term(metric=m, weight=weights[m]) for m in METRICS if m in weights))


# Every preset counts outsourcing and changes: what is free is used without measure.
PRESETS: Mapping[Preset, Objective] = {
    "on_time": _objective(
        "weighted", weighted_tardiness=100, setup_time=1, flow_time=0.01, changes=1, outsourcing_cost=1
    ),
    "throughput": _objective(
        "weighted", makespan=100, weighted_tardiness=1, flow_time=0.01, changes=1, outsourcing_cost=1
    ),
    "min_changeover": _objective(
        "weighted", setup_time=100, weighted_tardiness=1, flow_time=0.01, changes=1, outsourcing_cost=1
    ),
    "balanced": _objective(
        "weighted", weighted_tardiness=1, setup_time=1, flow_time=0.01, changes=1, outsourcing_cost=1
    ),
}


def minimise(metric: Metric) -> Objective:
    """The objective that counts one figure alone."""
    return Objective(terms=(Term(metric=metric),))


def objective_of(problem: Problem) -> Objective:
    """The problem's own objective, else the ``on_time`` preset."""
    return problem.objective or PRESETS["on_time"]


def levels(objective: Objective) -> tuple[dict[Metric, float], ...]:
    """The goals as weighted sums in order of importance; a weighted objective has one level."""
    if objective.mode == "lexicographic":
        return tuple({term.metric: term.weight or 1.0} for term in objective.terms)
    summed: dict[Metric, float] = {}
    for term in objective.terms:
        summed[term.metric] = summed.get(term.metric, 0.0) + term.weight
    return (summed,)


def rank(objective: Objective, metrics: Metrics) -> tuple[float, ...]:
    """One number a level; of two plans the one with the smaller tuple is better."""
    return tuple(
        round(sum(weight * getattr(metrics, metric) for metric, weight in level.items()), 6)
        for level in levels(objective)
    )


def value(objective: Objective, metrics: Metrics) -> float:
    """The one number reported: the weighted sum, or the first goal of a lexicographic objective."""
    return rank(objective, metrics)[0]
