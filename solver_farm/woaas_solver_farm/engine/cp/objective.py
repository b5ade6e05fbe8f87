"""The metrics as CP expressions, in the order of ``problem.METRICS``."""

from collections.abc import Sequence
from typing import NamedTuple

from ortools.sat.python import cp_model

from woaas_solver_farm.engine.calendars import NEVER
from woaas_solver_farm.engine.tables import OUTSIDE, Tables
from woaas_solver_farm.problem import METRICS, Metric

from .constraints import setup_of_change
from .variables import Variables

_SCALES = (1, 10, 100, 1000, 10**4, 10**5, 10**6)


class Goal(NamedTuple):
    """A whole-numbered expression to minimise; its value divided by ``scale`` is the goal's (or just below it)."""

    expression: cp_model.LinearExprT
    scale: int


Terms = list[tuple[float, cp_model.LinearExprT]]


def goal(model: cp_model.CpModel, t: Tables, v: Variables, weights: Sequence[float]) -> Goal:
    """The weighted sum of the metrics that count; each only as tight as minimising makes it."""
    ends = _job_ends(model, t, v)
    terms: Terms = []
    for metric, weight in zip(METRICS, weights, strict=True):
        if weight:
            terms += [(weight * factor, term) for factor, term in _metric(model, t, v, ends, metric) if factor]
    scale = next((scale for scale in _SCALES if all(_is_whole(factor * scale) for factor, _ in terms)), _SCALES[-1])
    return Goal(cp_model.LinearExpr.sum([int(factor * scale + 1e-6) * term for factor, term in terms]), scale)


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6


def _metric(model: cp_model.CpModel, t: Tables, v: Variables, ends: list[cp_model.IntVar], metric: Metric) -> Terms:
    if metric == "makespan":
        makespan = model.new_int_var(0, v.horizon, "makespan")
        model.add_max_equality(makespan, ends)
        return [(1, makespan)]
    if metric == "flow_time":
        return [(1, end - int(release)) for end, release in zip(ends, t.job_release, strict=True)]
    if metric == "setup_time":
        own = [(int(t.setup[m]), v.chosen[m]) for m in range(t.machine.size) if t.setup[m] and _is_counted(t, m)]
        return [*own, *((setup, literal) for literal, setup in setup_of_change(t, v))]
    if metric == "outsourcing_cost":
        return [(float(t.cost[m]), v.chosen[m]) for m in range(t.machine.size) if t.machine[m] == OUTSIDE]
    if metric == "changes":
        return _changes(model, t, v)
    return _lateness(model, t, v, ends, metric)


def _job_ends(model: cp_model.CpModel, t: Tables, v: Variables) -> list[cp_model.IntVar]:
    ends: list[cp_model.IntVar] = []
    for first, last in zip(t.first_operation, t.first_operation[1:], strict=False):
        end = model.new_int_var(-v.horizon, v.horizon, "")
        model.add_max_equality(end, v.end[first:last])
        ends.append(end)
    return ends


def _lateness(model: cp_model.CpModel, t: Tables, v: Variables, ends: list[cp_model.IntVar], metric: Metric) -> Terms:
    terms: Terms = []
    for j, end in enumerate(ends):
        due = int(t.due[j])
        if due >= NEVER:
            continue
        if metric == "late_orders":
            late = model.new_bool_var("")
            model.add(end <= due).only_enforce_if(late.negated())
            terms.append((1, late))
            continue
        tardiness = model.new_int_var(0, max(0, v.horizon - due), "")
        model.add(tardiness >= end - due)
        terms.append((1 if metric == "total_tardiness" else float(t.weight[j]), tardiness))
    return terms


def _changes(model: cp_model.CpModel, t: Tables, v: Variables) -> Terms:
    terms: Terms = []
    for i in range(t.job_of.size):
        if t.baseline_machine[i] == -2:
            continue
        same = model.new_bool_var("")
        model.add(v.start[i] == int(t.baseline_start[i])).only_enforce_if(same)
        modes = range(t.first_mode[i], t.first_mode[i + 1])
        model.add_bool_or([*(v.chosen[m] for m in modes if t.machine[m] == t.baseline_machine[i]), same.negated()])
        terms.append((1, 1 - same))
    return terms


def _is_counted(t: Tables, mode: int) -> bool:
    """False for the mode of an operation that was already running at tick 0: its set-up is history."""
    operation = int((t.first_mode <= mode).sum()) - 1
    return not (t.fixed_mode[operation] >= 0 and t.fixed_start[operation] <= 0)
