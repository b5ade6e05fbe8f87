"""From the engine's arrays to the plan people read, and its figures."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.problem import Problem
from woaas_solver_farm.result import Assignment, Cause, Metrics, OverflowReason, Result, Status, Unplaced

from .calendars import NEVER
from .decoding import NOWHERE, Plan
from .tables import OUTSIDE, Tables

Ints = npt.NDArray[np.int64]


class Why(NamedTuple):
    """What holds an operation where it is, and the operation it waited for, or -1."""

    reasons: tuple[str, ...]
    cause: int


_UNEXPLAINED = Why((), -1)


class Writer:
    """Turns plans of one problem into results."""

    def __init__(self, problem: Problem, t: Tables) -> None:
        self._t = t
        self._problem = problem
        self._names = [(job.id, operation.id) for job, operation in problem.operations()]
        self._tools: list[tuple[str, ...]] = []
        for _, operation in problem.operations():
            self._tools += [mode.tools for mode in operation.modes]
            self._tools += [()] if operation.outsource is not None else []
        self._machine_of = np.append(t.machine, OUTSIDE - 1)

    def setups(self, plan: Plan) -> tuple[list[list[int]], list[int]]:
        """Operations by machine in sequence, and the set-up each operation needs there."""
        ranked, needed = self._setups(plan)
        machine = self._machine_of[plan.mode[ranked]]
        bounds = np.searchsorted(machine, np.arange(self._t.machine_calendar.size + 1))
        return [ranked[a:b].tolist() for a, b in pairwise(bounds)], needed.tolist()

    def _setups(self, plan: Plan) -> tuple[Ints, Ints]:
        """The same, all sequences end to end, machine by machine."""
        t = self._t
        machine = self._machine_of[plan.mode]
        ranked = np.lexsort((plan.end, plan.start, plan.setup_start, machine))
        ranked = ranked[np.searchsorted(machine[ranked], 0) :]
        needed = np.zeros(len(self._names), np.int64)
        if not ranked.size:
            return ranked, needed
        here, group = machine[ranked], t.group[ranked]
        # The group a machine is in before each operation: that of the last one here that had a group.
        spots = np.arange(ranked.size)
        last = np.maximum.accumulate(np.where(group >= 0, spots, -1))
        before = np.concatenate(([-1], last[:-1]))
        first = np.searchsorted(here, here)
        group_before = np.where(before >= first, group[before], t.machine_group[here])
        matrix = t.machine_matrix[here]
        changes = (matrix >= 0) & (group_before >= 0) & (group >= 0)
        setup = t.setup[plan.mode[ranked]] + np.where(changes, t.setup_matrix[matrix, group_before, group], 0)
        is_past = (t.fixed_mode[ranked] >= 0) & (plan.start[ranked] <= 0)
        needed[ranked] = np.where(is_past, 0, setup)
        return ranked, needed

    def metrics(self, plan: Plan) -> Metrics:
        """The figures of a plan."""
        t = self._t
        ends = np.where(plan.mode < 0, NOWHERE, plan.end)
        last = np.maximum.reduceat(ends, t.first_operation[:-1]) if ends.size else ends
        whole = np.minimum.reduceat(ends, t.first_operation[:-1]) > NOWHERE if ends.size else last > 0
        late = np.where(whole, np.maximum(0, last - t.due), 0)
        known = t.baseline_machine != -2
        moved = (self._machine_of[plan.mode] != t.baseline_machine) | (plan.start != t.baseline_start)
        outside = plan.mode[self._machine_of[plan.mode] == OUTSIDE]
        return Metrics(
            weighted_tardiness=round(float(t.weight @ late), 6),
            total_tardiness=int(late.sum()),
            late_orders=int((late > 0).sum() + (~whole & (t.due < NEVER)).sum()),  # without a due time never late
            makespan=int(last[whole].max()) if whole.any() else 0,
            setup_time=int(self._setups(plan)[1].sum()),
            flow_time=int((last - t.job_release)[whole].sum()),
            changes=int((known & moved).sum()),
            outsourcing_cost=round(float(t.cost[outside].sum()), 6),
        )

    def assignments(self, plan: Plan, whys: Sequence[Why] | None = None) -> tuple[Assignment, ...]:
        """The places by start; ``whys`` by operation."""
        t = self._t
        needed = self.setups(plan)[1]
        machines = [machine.id for machine in self._problem.machines]
        operators = [operator.id for operator in self._problem.operators]
        start, end, setup_start, mode, operator = (part.tolist() for part in plan)
        assignments: list[Assignment] = []
        for i in np.lexsort((plan.end, plan.start)).tolist():
            if mode[i] < 0:
                continue
            outsourced = int(t.machine[mode[i]]) == OUTSIDE
            given = t.fixed_mode[i] >= 0
            why = _UNEXPLAINED if whys is None else whys[i]
            assignments.append(
                Assignment(
                    job=self._names[i][0],
                    operation=self._names[i][1],
                    machine=None if outsourced else machines[t.machine[mode[i]]],
                    operator=None if operator[i] < 0 else operators[operator[i]],
                    tools=self._tools[mode[i]],
                    setup_start=start[i] - needed[i] if given else setup_start[i],
                    start=start[i],
                    end=end[i],
                    outsourced=outsourced,
                    mode=None if outsourced else mode[i] - int(t.first_mode[i]),
                    reasons=why.reasons,
                    cause=None if why.cause < 0 else Cause(*self._names[why.cause]),
                )
            )
        return tuple(assignments)

    def overflow(self, plan: Plan) -> tuple[Unplaced, ...]:
        """The operations without a place."""
        return tuple(
            Unplaced(job=self._names[i][0], operation=self._names[i][1], reason=self._reason(plan, i))
            for i in np.flatnonzero(plan.mode < 0).tolist()
        )

    def is_impossible(self) -> bool:
        """True when some operation has nobody or nothing that could ever do it: a proof that no plan is whole."""
        return any(not self._is_capable(i) for i in range(len(self._names)))

    def result(self, plan: Plan, objective: float, status: Status) -> Result:
        """An unchecked result without reasons."""
        return Result(
            status=status,
            objective=objective,
            bound=None,
            accepted=False,
            metrics=self.metrics(plan),
            assignments=self.assignments(plan),
            overflow=self.overflow(plan),
        )

    def _reason(self, plan: Plan, i: int) -> OverflowReason:
        t = self._t
        if not self._is_capable(i):
            return "no_capable_resource"
        preds = t.pred[t.first_pred[i] : t.first_pred[i + 1]]
        return "predecessor_unplaced" if (plan.mode[preds] < 0).any() else "no_room"

    def _is_capable(self, i: int) -> bool:
        t = self._t
        if t.fixed_mode[i] >= 0:
            return True
        for mode in range(t.first_mode[i], t.first_mode[i + 1]):
            needs = range(t.first_need[mode], t.first_need[mode + 1])
            stocked = all(
                t.first_unit[t.need_tool[n] + 1] - t.first_unit[t.need_tool[n]] >= t.need_count[n] for n in needs
            )
            # A set-up only sometimes needs its operator, so only the run's proves anything.
            team = t.run_team[mode]
            staffed = team < 0 or t.first_member[team] < t.first_member[team + 1]
            if stocked and staffed:
                return True
        return False
