"""What a plan stands on: the problem numbered for single questions, to which jobs can be added."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from woaas_solver_farm.problem import MAX_TICK, Calendar, Job, Mode, Operation, Operator, Predecessor, Problem

from .hours import ALWAYS, Hours, common

OUTSIDE = -1


class Way(NamedTuple):
    """One way to do an operation: ``mode`` counts its modes, ``team`` names the skills asked of whoever does it."""

    mode: int | None
    machine: int
    duration: int
    setup: int
    runs: bool
    sets_up: bool
    team: tuple[str | None, str | None]
    tools: tuple[tuple[int, int], ...]
    cost: float


class Shop:
    """Operations are numbered in the order of the jobs; a job added last can be taken away again."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.machines = list(problem.machines)
        self.operators = list(problem.operators)
        self.machine_number = {m.id: i for i, m in enumerate(problem.machines)}
        self.operator_number = {o.id: i for i, o in enumerate(problem.operators)}
        self.tool_number = {t.id: i for i, t in enumerate(problem.tools)}
        self.tool_counts = [t.count for t in problem.tools]
        self._known: dict[Calendar | None, Hours] = {None: ALWAYS}
        self._common: dict[tuple[int, int], Hours] = {}
        self.machine_hours = [self.hours(m.calendar) for m in problem.machines]
        self.operator_hours = [self.hours(o.calendar) for o in problem.operators]
        self.tool_hours = [self.hours(t.calendar) for t in problem.tools]
        self.matrix = [problem.setup_matrices.get(m.setup_matrix or "") for m in problem.machines]
        self.jobs: list[Job] = []
        self.first: list[int] = [0]
        self.job_of: list[int] = []
        self.operations: list[Operation] = []
        self.ways: list[tuple[Way, ...]] = []
        self.before: list[list[tuple[int, int]]] = []
        self.after: list[list[int]] = []
        self.number: dict[tuple[str, str], int] = {}
        self._named: dict[str, int] = {}
        self._teams: dict[tuple[str | None, str | None], list[int]] = {}
        for job in problem.jobs:
            self._append(job)
        self._link(0)

    # --- jobs ------------------------------------------------------------------------------------------------------

    def add(self, job: Job) -> range:
        """Number one more job's operations; it may only wait for operations known by then."""
        start = len(self.operations)
        self._append(job)
        self._link(start)
        return range(start, len(self.operations))

    def take_away(self) -> None:
        """Forget the job added last."""
        job = self.jobs.pop()
        self.first.pop()
        for i in range(self.first[-1], len(self.operations)):
            for before, _ in self.before[i]:
                if before < self.first[-1]:
                    self.after[before].remove(i)
            operation = self.operations[i]
            del self.number[job.id, operation.id]
            if self._named.get(operation.id) == i:
                del self._named[operation.id]
        for column in (self.job_of, self.operations, self.ways, self.before, self.after):
            del column[self.first[-1] :]

    def problem(self) -> Problem:
        """The problem as it is now, for the checker."""
        return msgspec.structs.replace(
            self._problem, jobs=tuple(self.jobs), machines=tuple(self.machines), operators=tuple(self.operators)
        )

    def _append(self, job: Job) -> None:
        for operation in job.operations:
            i = len(self.operations)
            self.number[job.id, operation.id] = i
            self._named.setdefault(operation.id, i)
            self.job_of.append(len(self.jobs))
            self.operations.append(operation)
            self.ways.append(self._ways(operation))
            self.before.append([])
            self.after.append([])
        self.jobs.append(job)
        self.first.append(len(self.operations))

    def _link(self, start: int) -> None:
        for i in range(start, len(self.operations)):
            for link in self.operations[i].predecessors:
                before = self._found(self.jobs[self.job_of[i]].id, link)
                self.before[i].append((before, 0 if isinstance(link, str) else link.min_lag))
                self.after[before].append(i)

    def _found(self, job: str, link: str | Predecessor) -> int:
        name, other = (link, None) if isinstance(link, str) else (link.operation, link.job)
        found = self.number.get((other or job, name))
        return self._named[name] if found is None else found

    def _ways(self, operation: Operation) -> tuple[Way, ...]:
        ways = [self._way(n, mode) for n, mode in enumerate(operation.modes)]
        if operation.outsource is not None:
            offer = operation.outsource
            ways.append(Way(None, OUTSIDE, offer.lead_time, 0, False, False, (None, None), (), offer.cost))
        return tuple(ways)

    def _way(self, n: int, mode: Mode) -> Way:
        needs = Counter(mode.tools)
        return Way(
            mode=n,
            machine=self.machine_number[mode.machine],
            duration=mode.duration,
            setup=mode.setup,
            runs=mode.operator_skill is not None,
            sets_up=mode.setup_skill is not None,
            team=(mode.operator_skill, mode.setup_skill),
            tools=tuple((self.tool_number[tool], count) for tool, count in needs.items()),
            cost=mode.cost,
        )

    # --- resources -------------------------------------------------------------------------------------------------

    def hours(self, calendar: Calendar | None) -> Hours:
        """The working time of a calendar, the same object for equal ones."""
        if calendar not in self._known:
            self._known[calendar] = Hours(calendar or ())
        return self._known[calendar]

    def both(self, one: Hours, other: Hours) -> Hours:
        """The time both work, worked out once."""
        key = (id(one), id(other))
        if key not in self._common:
            self._common[key] = common(one, other)
        return self._common[key]

    def run_hours(self, way: Way) -> Hours:
        """When a machine and the tools of a way all work."""
        found = self.machine_hours[way.machine]
        for tool, _ in way.tools:
            found = self.both(found, self.tool_hours[tool])
        return found

    def team(self, way: Way) -> list[int]:
        """Who can do it, those with the fewest skills first: the versatile stay free."""
        members = self._teams.get(way.team)
        if members is None:
            wanted = {skill for skill in way.team if skill is not None}
            members = [o for o, operator in enumerate(self.operators) if wanted <= set(operator.skills)]
            members.sort(key=lambda o: (len(self.operators[o].skills), o))
            self._teams[way.team] = members
        return members

    def teach(self, operators: Sequence[Operator]) -> None:
        """Replace what people can do; the people are the same."""
        assert [o.id for o in operators] == [o.id for o in self.operators]
        self.operators = list(operators)
        self._teams.clear()

    def close(self, machine: int, start: int, end: int) -> Calendar | None:
        """Take a window out of a machine's working time; returns its calendar before."""
        before = self.machines[machine].calendar
        self.reopen(machine, _without(self.machine_hours[machine].windows(), start, end))
        return before

    def reopen(self, machine: int, calendar: Calendar | None) -> None:
        """Give a machine a calendar."""
        self.machines[machine] = msgspec.structs.replace(self.machines[machine], calendar=calendar)
        self.machine_hours[machine] = self.hours(calendar)

    def changeover(self, machine: int, group: str | None, wanted: str | None) -> int:
        """Set-up time between two groups on a machine; 0 where either is unknown."""
        matrix = self.matrix[machine]
        if not matrix or group is None or wanted is None:
            return 0
        return matrix.get(group, {}).get(wanted, 0)


def _without(windows: Calendar, start: int, end: int) -> Calendar:
    left: list[tuple[int, int]] = []
    for first, last in windows:
        opens, closes = max(first, -MAX_TICK), min(last, MAX_TICK)
        if opens < min(closes, start):
            left.append((opens, min(closes, start)))
        if max(opens, end) < closes:
            left.append((max(opens, end), closes))
    return tuple(left)
