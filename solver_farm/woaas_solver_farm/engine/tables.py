"""A problem as flat integer arrays, numbered once, for the kernels and the CP model.

Ragged lists are stored end to end: entries of ``x`` are ``[first_of[x], first_of[x + 1])``. -1 means none.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.objective import levels, objective_of
from woaas_solver_farm.problem import METRICS, Job, Mode, Operation, Problem
from woaas_solver_farm.problem_validation import OperationNames, resolve_operation

from .calendars import NEVER, CalendarBook, Calendars

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

OUTSIDE = -1  # the machine of an outsourced operation


class Tables(NamedTuple):
    """The arrays; see the module for how ragged ones are read. ``M`` modes, ``n`` operations."""

    job_of: Ints
    release: Ints
    group: Ints
    resumable: Ints
    latest_end: Ints
    tail: Ints
    first_pred: Ints
    pred: Ints
    pred_lag: Ints
    first_succ: Ints
    succ: Ints
    first_mode: Ints
    machine: Ints
    duration: Ints
    setup: Ints
    run_calendar: Ints
    needs_operator: Ints
    sets_up: Ints
    team: Ints
    run_team: Ints
    cost: Floats
    first_need: Ints
    need_tool: Ints
    need_count: Ints
    first_member: Ints
    member: Ints
    fixed_mode: Ints
    fixed_operator: Ints
    fixed_start: Ints
    fixed_end: Ints
    machine_calendar: Ints
    machine_matrix: Ints
    machine_group: Ints
    setup_matrix: Ints
    operator_class: Ints
    common_calendar: Ints
    first_unit: Ints
    first_machine_fixed: Ints
    machine_fixed: Ints
    first_operator_fixed: Ints
    operator_fixed: Ints
    first_unit_fixed: Ints
    unit_fixed: Ints
    first_operation: Ints
    due: Ints
    weight: Floats
    job_release: Ints
    baseline_machine: Ints
    baseline_start: Ints
    goals: Floats
    calendars: Calendars


def build_tables(problem: Problem) -> Tables:
    """Number everything in a valid problem."""
    return _Builder(problem).build()


class _Builder:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.pairs: list[tuple[Job, Operation]] = list(problem.operations())
        self.names = OperationNames(problem)
        self.starts = [0, *accumulate(len(job.operations) for job in problem.jobs)]
        self.machines = {machine.id: i for i, machine in enumerate(problem.machines)}
        self.operators = {operator.id: i for i, operator in enumerate(problem.operators)}
        self.tools = {tool.id: i for i, tool in enumerate(problem.tools)}
        self.book = CalendarBook()
        self.operator_calendars = [self.book.number(operator.calendar) for operator in problem.operators]
        self.classes = {calendar: i for i, calendar in enumerate(dict.fromkeys(self.operator_calendars))}
        self.run_calendars: dict[tuple[str, tuple[str, ...]], int] = {}
        self.teams: dict[frozenset[str], int] = {}
        self.team_members: list[list[int]] = []
        names = [operation.setup_group for _, operation in self.pairs]
        names += [machine.initial_setup_group for machine in problem.machines]
        self.groups = {name: i for i, name in enumerate(dict.fromkeys(n for n in names if n is not None))}
        self.matrices = {name: i for i, name in enumerate(problem.setup_matrices)}

    def build(self) -> Tables:
        fields: dict[str, Ints | Floats | Calendars] = {}
        for part in (
            self._operations(),
            self._links(),
            self._modes(),
            self._machines(),
            self._fixed(),
            self._jobs(),
            self._goals(),
        ):
            fields.update(part)
        fields.update(self._teams())
        fields["tail"] = _tails(fields)
        fields["calendars"] = self.book.arrays()
        return Tables(**fields)  # type: ignore[arg-type]  # built by name; calendars are the one non-array

    def _operations(self) -> dict[str, Ints]:
        return {
            "job_of": _ints(j for j, job in enumerate(self.problem.jobs) for _ in job.operations),
            "release": _ints(max(job.release, operation.release) for job, operation in self.pairs),
            "group": _ints(
                -1 if operation.setup_group is None else self.groups[operation.setup_group]
                for _, operation in self.pairs
            ),
            "resumable": _ints(operation.resumable for _, operation in self.pairs),
        }

    def _links(self) -> dict[str, Ints]:
        preds: list[list[tuple[int, int]]] = []
        succs: list[list[int]] = [[] for _ in self.pairs]
        for j, job in enumerate(self.problem.jobs):
            for operation in job.operations:
                links: list[tuple[int, int]] = []
                for link in operation.predecessors:
                    found = resolve_operation(self.problem, self.names, j, link)
                    assert found is not None
                    before = self.starts[found[0]] + found[1]
                    links.append((before, 0 if isinstance(link, str) else link.min_lag))
                    succs[before].append(len(preds))
                preds.append(links)
        limits = [NEVER if job.deadline is None else job.deadline for job, _ in self.pairs]
        for (_, operation), links in zip(self.pairs, preds, strict=True):
            if operation.fixed is not None:
                for before, lag in links:
                    limits[before] = min(limits[before], operation.fixed.start - lag)
        return {
            "first_pred": _firsts(preds),
            "pred": _ints(before for links in preds for before, _ in links),
            "pred_lag": _ints(lag for links in preds for _, lag in links),
            "first_succ": _firsts(succs),
            "succ": _ints(after for afters in succs for after in afters),
            "latest_end": _ints(limits),
        }

    def _modes(self) -> dict[str, Ints | Floats]:
        modes = [mode for _, operation in self.pairs for mode in _all_modes(operation)]
        needs = [sorted({self.tools[tool]: mode.tools.count(tool) for tool in mode.tools}.items()) for mode in modes]
        inside = [mode.machine in self.machines for mode in modes]
        return {
            "first_mode": _firsts([_all_modes(operation) for _, operation in self.pairs]),
            "machine": _ints(self.machines.get(mode.machine, OUTSIDE) for mode in modes),
            "duration": _ints(mode.duration for mode in modes),
            "setup": _ints(mode.setup for mode in modes),
            "run_calendar": _ints(
                self._run_calendar(mode) if here else 0 for mode, here in zip(modes, inside, strict=True)
            ),
            "needs_operator": _ints(mode.operator_skill is not None for mode in modes),
            "sets_up": _ints(mode.setup_skill is not None for mode in modes),
            # Who sets up and runs, and who does for the run alone when nothing has to be set up.
            "team": _ints(self._team(mode.operator_skill, mode.setup_skill) for mode in modes),
            "run_team": _ints(self._team(mode.operator_skill) for mode in modes),
            "cost": np.array([mode.cost for mode in modes], np.float64),
            "first_need": _firsts(needs),
            "need_tool": _ints(tool for need in needs for tool, _ in need),
            "need_count": _ints(count for need in needs for _, count in need),
        }

    def _run_calendar(self, mode: Mode) -> int:
        key = (mode.machine, mode.tools)
        if key not in self.run_calendars:
            calendars = [self.problem.machines[self.machines[mode.machine]].calendar]
            calendars += [self.problem.tools[self.tools[tool]].calendar for tool in sorted(set(mode.tools))]
            self.run_calendars[key] = self.book.common([self.book.number(calendar) for calendar in calendars])
        return self.run_calendars[key]

    def _team(self, *skills: str | None) -> int:
        wanted = frozenset(skill for skill in skills if skill is not None)
        if not wanted:
            return -1
        if wanted not in self.teams:
            able = [i for i, operator in enumerate(self.problem.operators) if wanted <= set(operator.skills)]
            # Of people equally early the one with the fewest skills goes first; the versatile stay free.
            able.sort(key=lambda i: (len(set(self.problem.operators[i].skills)), i))
            self.teams[wanted] = len(self.team_members)
            self.team_members.append(able)
        return self.teams[wanted]

    def _teams(self) -> dict[str, Ints]:
        calendars = range(self.book.arrays().first.size - 1)
        common = [[self.book.common([one, other]) for other in self.classes] for one in calendars]
        return {
            "first_member": _firsts(self.team_members),
            "member": _ints(i for members in self.team_members for i in members),
            "operator_class": _ints(self.classes[calendar] for calendar in self.operator_calendars),
            "common_calendar": np.array(common, np.int64).reshape(len(common), len(self.classes)),
        }

    def _machines(self) -> dict[str, Ints]:
        machines = self.problem.machines
        size = len(self.groups)
        matrix = np.zeros((max(1, len(self.matrices)), max(1, size), max(1, size)), np.int64)
        for name, rows in self.problem.setup_matrices.items():
            for before, row in rows.items():
                for after, setup in row.items():
                    if before in self.groups and after in self.groups:
                        matrix[self.matrices[name], self.groups[before], self.groups[after]] = setup
        return {
            "machine_calendar": _ints(self.book.number(machine.calendar) for machine in machines),
            "machine_matrix": _ints(self.matrices.get(machine.setup_matrix or "", -1) for machine in machines),
            "machine_group": _ints(
                -1 if m.initial_setup_group is None else self.groups[m.initial_setup_group] for m in machines
            ),
            "setup_matrix": matrix,
            "first_unit": _ints([0, *accumulate(tool.count for tool in self.problem.tools)]),
        }

    def _fixed(self) -> dict[str, Ints]:
        given = [(i, op, op.fixed) for i, (_, op) in enumerate(self.pairs) if op.fixed is not None]
        given.sort(key=lambda item: (item[2].start, item[2].end, item[0]))
        columns = np.full((4, len(self.pairs)), -1, np.int64)
        by_machine: list[list[int]] = [[] for _ in self.problem.machines]
        by_operator: list[list[int]] = [[] for _ in self.problem.operators]
        units: list[list[list[int]]] = [[[] for _ in range(tool.count)] for tool in self.problem.tools]
        first = _firsts([_all_modes(operation) for _, operation in self.pairs])
        for i, operation, fixed in given:
            m = next(m for m, mode in enumerate(operation.modes) if mode.machine == fixed.machine)
            operator = -1 if fixed.operator is None else self.operators[fixed.operator]
            columns[:, i] = (first[i] + m, operator, fixed.start, fixed.end)
            by_machine[self.machines[fixed.machine]].append(i)
            if operator >= 0:
                by_operator[operator].append(i)
            for tool in operation.modes[m].tools:
                _take_unit(units[self.tools[tool]], i, fixed.start, columns[3])
        by_unit = [taken for tool in units for taken in tool]
        return {
            "fixed_mode": columns[0].copy(),
            "fixed_operator": columns[1].copy(),
            "fixed_start": columns[2].copy(),
            "fixed_end": columns[3].copy(),
            "first_machine_fixed": _firsts(by_machine),
            "machine_fixed": _ints(i for taken in by_machine for i in taken),
            "first_operator_fixed": _firsts(by_operator),
            "operator_fixed": _ints(i for taken in by_operator for i in taken),
            "first_unit_fixed": _firsts(by_unit),
            "unit_fixed": _ints(i for taken in by_unit for i in taken),
        }

    def _jobs(self) -> dict[str, Ints | Floats]:
        jobs = self.problem.jobs
        machine = np.full(len(self.pairs), -2, np.int64)
        start = np.zeros(len(self.pairs), np.int64)
        for place in self.problem.baseline:
            found = self.names.find(place.operation, near=place.job, strict=place.job is not None)
            assert found is not None
            i = self.starts[found[0]] + found[1]
            machine[i] = OUTSIDE if place.machine is None else self.machines.get(place.machine, -3)
            start[i] = place.start
        return {
            "first_operation": _ints(self.starts),
            "due": _ints(NEVER if job.due is None else job.due for job in jobs),
            "weight": np.array([job.weight for job in jobs], np.float64),
            "job_release": _ints(job.release for job in jobs),
            "baseline_machine": machine,
            "baseline_start": start,
        }

    def _goals(self) -> dict[str, Floats]:
        rows = [[level.get(metric, 0.0) for metric in METRICS] for level in levels(objective_of(self.problem))]
        return {"goals": np.array(rows, np.float64)}


def _all_modes(operation: Operation) -> tuple[Mode, ...]:
    """The modes inside and, as the last one, the offer outside; its "machine" is none of the plant's."""
    if operation.outsource is None:
        return operation.modes
    return (*operation.modes, Mode(machine="", duration=operation.outsource.lead_time, cost=operation.outsource.cost))


def _take_unit(units: list[list[int]], operation: int, start: int, ends: Ints) -> None:
    """Book a piece that is free, else the one free soonest: given places may ask for more pieces than there are."""
    if units:
        free = [max((int(ends[given]) for given in taken), default=start) for taken in units]
        units[next((u for u, end in enumerate(free) if end <= start), free.index(min(free)))].append(operation)


def _tails(fields: dict[str, Ints | Floats | Calendars]) -> Ints:
    """The least work still to do after each operation, along its longest chain of successors."""
    first_mode, duration = np.asarray(fields["first_mode"]), np.asarray(fields["duration"])
    first_succ = np.asarray(fields["first_succ"])
    first_pred, pred = np.asarray(fields["first_pred"]), np.asarray(fields["pred"])
    count = first_mode.size - 1
    shortest = [int(min(duration[first_mode[i] : first_mode[i + 1]], default=0)) for i in range(count)]
    waiting = [int(first_succ[i + 1] - first_succ[i]) for i in range(count)]
    tails = [0] * count
    ready = [i for i in range(count) if not waiting[i]]
    while ready:
        i = ready.pop()
        for before in pred[first_pred[i] : first_pred[i + 1]].tolist():
            tails[before] = max(tails[before], tails[i] + shortest[i])
            waiting[before] -= 1
            if not waiting[before]:
                ready.append(before)
    return _ints(tails)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _firsts(lists: Sequence[Sequence[object]]) -> Ints:
    return _ints([0, *accumulate(map(len, lists))])
