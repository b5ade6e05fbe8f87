"""The metrics as CP expressions, in the order of ``problem.METRICS``."""

from collections.abc import Sequence

from ortools.sat.python import cp_model

from ...problem import METRICS, Metric
from ..calendars import NEVER
from ..tables import OUTSIDE, Tables
from .constraints import setup_of_change
from .variables import Variables


def goal(model: cp_model.CpModel, t: Tables, v: Variables, weights: Sequence[float]) -> cp_model.LinearExprT:
    """The weighted sum of the metrics that count; each only as tight as minimising makes it."""
    wanted = {metric: weight for metric, weight in zip(METRICS, weights, strict=True) if weight}
    ends = _job_ends(model, t, v)
    terms: list[cp_model.LinearExprT] = []
    for metric, weight in wanted.items():
        terms += [weight * term for term in _metric(model, t, v, ends, metric)]
    return cp_model.LinearExpr.sum(terms) if terms else 0


def _metric(
    model: cp_model.CpModel, t: Tables, v: Variables, ends: list[cp_model.IntVar], metric: Metric
) -> list[cp_model.LinearExprT]:
    if metric == "makespan":
        makespan = model.new_int_var(0, v.horizon, "makespan")
        model.add_max_equality(makespan, ends)
        return [makespan]
    if metric == "flow_time":
        return [end - int(release) for end, release in zip(ends, t.job_release, strict=True)]
    if metric == "setup_time":
        own = [(v.chosen[m], int(t.setup[m])) for m in range(t.machine.size) if t.setup[m] and _is_counted(t, m)]
        return [setup * literal for literal, setup in [*own, *setup_of_change(t, v)]]
    if metric == "outsourcing_cost":
        return [float(t.cost[m]) * v.chosen[m] for m in range(t.machine.size) if t.machine[m] == OUTSIDE]
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


def _lateness(
    model: cp_model.CpModel, t: Tables, v: Variables, ends: list[cp_model.IntVar], metric: Metric
) -> list[cp_model.LinearExprT]:
    terms: list[cp_model.LinearExprT] = []
    for j, end in enumerate(ends):
        due = int(t.due[j])
        if due >= NEVER:
            continue
        if metric == "late_orders":
            late = model.new_bool_var("")
            model.add(end <= due).only_enforce_if(late.negated())
            terms.append(late)
            continue
        tardiness = model.new_int_var(0, max(0, v.horizon - due), "")
        model.add(tardiness >= end - due)
        terms.append(tardiness if metric == "total_tardiness" else float(t.weight[j]) * tardiness)
    return terms


def _changes(model: cp_model.CpModel, t: Tables, v: Variables) -> list[cp_model.LinearExprT]:
    terms: list[cp_model.LinearExprT] = []
    for i in range(t.job_of.size):
        if t.baseline_machine[i] == -2:
            continue
        same = model.new_bool_var("")
        model.add(v.start[i] == int(t.baseline_start[i])).only_enforce_if(same)
        modes = range(t.first_mode[i], t.first_mode[i + 1])
        model.add_bool_or(
            [v.chosen[m] for m in modes if t.machine[m] == t.baseline_machine[i]], same.negated()
        )
        terms.append(1 - same)
    return terms


def _is_counted(t: Tables, mode: int) -> bool:
    """False for the mode of an operation that was already running at tick 0: its set-up is history."""
    operation = int((t.first_mode <= mode).sum()) - 1
    return not (t.fixed_mode[operation] >= 0 and t.fixed_start[operation] <= 0)
