"""Solving a whole small problem with CP-SAT: from a plan we have, for better plans, a bound and perhaps a proof."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from ortools.sat.python import cp_model

from woaas_solver_farm.engine.decoding import MAKESPAN, Genes, Plan
from woaas_solver_farm.engine.tables import OUTSIDE, Tables

from . import constraints, objective, variables

Ints = npt.NDArray[np.int64]

_MOST_ARCS = 15_000
_MOST_MODES = 4_000
_FEW = 1_000
_LOOK_EVERY_S = 0.05


class Budget(NamedTuple):
    """What one call may use; ``effort`` is CP-SAT's deterministic time, which makes a run repeatable."""

    seconds: float
    effort: float | None
    workers: int
    seed: int


class Answer(NamedTuple):
    """What was proven: a bound of the first goal, that the last solution is best, or that there is none."""

    bound: float | None
    is_optimal: bool
    is_infeasible: bool
    values: tuple[float, ...]


def is_worthwhile(t: Tables) -> bool:
    """True for problems small enough that the model improves a good plan in seconds (measured, not proven)."""
    staff = sum(int(t.first_member[team + 1] - t.first_member[team]) for team in t.run_team.tolist() if team >= 0)
    return bool(
        t.job_of.size
        and t.machine.size <= _MOST_MODES
        and staff <= _MOST_MODES
        and (np.diff(t.first_mode) > 0).all()
        and constraints.arcs(t) <= _MOST_ARCS
    )


def is_small(t: Tables) -> bool:
    """True for problems that are worth it and often proven within a second or two."""
    return is_worthwhile(t) and t.machine.size <= _FEW and constraints.arcs(t) <= _FEW


def solve_exactly(
    t: Tables,
    plan: Plan,
    budget: Budget,
    *,
    on_genes: Callable[[Genes], object],
    on_bound: Callable[[float], None],
    should_stop: Callable[[], bool],
) -> Answer:
    """Minimise the goals one after another, starting from a plan; each solution is handed over as genes.

    Each better bound of the first goal is handed over, too.

    A plan with operations in overflow is no hint, and then only feasibility can be learnt.
    """
    is_whole = bool((plan.mode >= 0).all())
    latest = int(plan.end.max(initial=0))
    only_makespan = t.goals.shape[0] == 1 and not np.delete(t.goals[0], MAKESPAN).any() and is_whole
    model = cp_model.CpModel()
    v = variables.create(model, t, latest if only_makespan else variables.horizon_of(t, latest))
    constraints.add_all(model, t, v)
    bound: float | None = None
    values: list[float] = []
    for level, weights in enumerate(t.goals):
        term, scale = objective.goal(model, t, v, weights.tolist())
        model.minimize(term)
        if is_whole:
            _hint(model, t, v, plan)
        share = budget._replace(
            seconds=budget.seconds / len(t.goals), effort=budget.effort and budget.effort / len(t.goals)
        )
        hear = (lambda found, scale=scale: on_bound(found / scale)) if level == 0 else None
        solver, status = _run(model, share, _Solutions(t, v, on_genes), hear, should_stop)
        if status == cp_model.INFEASIBLE:
            return Answer(None, False, level == 0, ())
        bound = solver.best_objective_bound / scale if level == 0 else bound
        if status != cp_model.OPTIMAL:
            return Answer(bound, False, False, tuple(values))
        values.append(solver.objective_value / scale)
        model.clear_objective()  # type: ignore[no-untyped-call]  # ortools forgot its annotation
        model.add(term <= round(solver.objective_value))
        plan = _plan_of(solver, t, v)
    return Answer(bound, True, False, tuple(values))


class _Solutions(cp_model.CpSolverSolutionCallback):
    def __init__(self, t: Tables, v: variables.Variables, on_genes: Callable[[Genes], object]) -> None:
        super().__init__()
        self._t, self._v, self._on_genes = t, v, on_genes

    def on_solution_callback(self) -> None:
        starts = np.array([self.value(start) for start in self._v.start], np.int64)
        self._on_genes(_genes(self._t, starts, [self.boolean_value(literal) for literal in self._v.chosen]))


def _run(
    model: cp_model.CpModel,
    budget: Budget,
    callback: _Solutions,
    on_bound: Callable[[float], None] | None,
    should_stop: Callable[[], bool],
) -> "tuple[cp_model.CpSolver, cp_model.CpSolverStatus]":
    solver = cp_model.CpSolver()
    # Probing the set-up arcs alone used to consume the whole limit, even from a complete hint.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.max_time_in_seconds = max(0.01, budget.seconds)
    solver.parameters.random_seed = budget.seed % 2**31
    solver.parameters.num_workers = 1 if budget.effort is not None else budget.workers
    if budget.effort is not None:
        solver.parameters.max_deterministic_time = budget.effort
    if on_bound is not None:
        solver.best_bound_callback = on_bound
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_LOOK_EVERY_S):
            if should_stop():
                solver.stop_search()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return solver, solver.solve(model, callback)
    finally:
        done.set()
        watcher.join()


def _hint(model: cp_model.CpModel, t: Tables, v: variables.Variables, plan: Plan) -> None:
    """Tell the model the whole plan: times, modes, operators and the sequence on every machine."""
    model.clear_hints()  # type: ignore[no-untyped-call]  # ortools forgot its annotation
    modes = set(plan.mode.tolist())
    for i in range(t.job_of.size):
        model.add_hint(v.start[i], int(plan.start[i]))
        model.add_hint(v.end[i], int(plan.end[i]))
    for m, literal in enumerate(v.chosen):
        model.add_hint(literal, m in modes)
    for (i, operator), literal in v.staffed.items():
        model.add_hint(literal, bool(plan.operator[i] == operator and t.needs_operator[plan.mode[i]]))
    before = _before_on_machine(t, plan)
    for (machine, previous, i), literal in v.change.items():
        here = t.machine[plan.mode[i]] == machine
        model.add_hint(literal, bool(here and before.get(i, -1) == previous))


def _before_on_machine(t: Tables, plan: Plan) -> dict[int, int]:
    last: dict[int, int] = {}
    before: dict[int, int] = {}
    for i in np.lexsort((plan.end, plan.start)).tolist():
        machine = int(t.machine[plan.mode[i]])
        if machine != OUTSIDE:
            before[i] = last.get(machine, -1)
            last[machine] = i
    return before


def _plan_of(solver: cp_model.CpSolver, t: Tables, v: variables.Variables) -> Plan:
    starts, ends = (np.array([solver.value(x) for x in part], np.int64) for part in (v.start, v.end))
    genes = _genes(t, starts, [bool(solver.value(literal)) for literal in v.chosen])
    operators = np.full(starts.size, -1, np.int64)
    for (i, operator), literal in v.staffed.items():
        if solver.value(literal):
            operators[i] = operator
    return Plan(starts, ends, starts, genes.mode, operators)


def _genes(t: Tables, starts: Ints, chosen: Sequence[bool]) -> Genes:
    """Modes as chosen and the order of starts, predecessors first where starts are equal."""
    modes = np.flatnonzero(np.array(chosen))
    mode_of = np.full(starts.size, -1, np.int64)
    mode_of[np.searchsorted(t.first_mode, modes, side="right") - 1] = modes
    depth = _depths(t)
    keys = starts.copy()
    for i in np.argsort(depth, kind="stable").tolist():
        for p in range(t.first_pred[i], t.first_pred[i + 1]):
            keys[i] = max(keys[i], keys[t.pred[p]])
    held = (t.baseline_machine != -2) & (starts == t.baseline_start)
    order = np.lexsort((depth, keys, t.fixed_mode < 0))
    return Genes(order, mode_of, np.where(held, starts, t.release), np.full(starts.size, -1, np.int64))


def _depths(t: Tables) -> Ints:
    depth = np.zeros(t.job_of.size, np.int64)
    waiting = np.diff(t.first_pred)
    ready = np.flatnonzero(waiting == 0).tolist()
    while ready:
        i = ready.pop()
        for after in t.succ[t.first_succ[i] : t.first_succ[i + 1]].tolist():
            depth[after] = max(depth[after], depth[i] + 1)
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return depth
