"""The second opinion on every plan: what a plan must satisfy, written without a line of the engine.

It reads only the problem and the result and recomputes set-ups, working time and figures itself. Given places
(``fixed``) are facts: they are not measured against calendars, skills or each other, everything else is.
"""

from collections import defaultdict
from itertools import combinations, pairwise
from typing import NamedTuple

from .objective import objective_of
from .problem import Calendar, Job, Mode, Operation, Problem
from .result import Assignment, Metrics, Result

Key = tuple[str, str]
_LONG_AGO = -(2**62)


class Violation(NamedTuple):
    """One rule a plan breaks, where, and by what."""

    rule: str
    job: str
    operation: str
    detail: str


class _Placed(NamedTuple):
    job: Job
    operation: Operation
    mode: Mode | None
    assignment: Assignment
    setup: int


def check(problem: Problem, result: Result) -> list[Violation]:
    """Every rule the result breaks; an empty list means the plan can be carried out and its figures are right."""
    return _Check(problem, result).violations()


def measure(problem: Problem, result: Result) -> Metrics:
    """The figures of a plan, recomputed from the problem and the places alone."""
    return _Check(problem, result).metrics()


class _Check:
    def __init__(self, problem: Problem, result: Result) -> None:
        self.problem = problem
        self.result = result
        self.machines = {machine.id: machine for machine in problem.machines}
        self.operators = {operator.id: operator for operator in problem.operators}
        self.tools = {tool.id: tool for tool in problem.tools}
        self.operations = {(job.id, operation.id): (job, operation) for job, operation in problem.operations()}
        self.unplaced = {(gap.job, gap.operation) for gap in result.overflow}
        self.calendars: dict[tuple[Calendar | None, ...], Calendar | None] = {}
        self.found: list[Violation] = []
        self.placed: dict[Key, _Placed] = {}
        self._place_all()

    def violations(self) -> list[Violation]:
        self._sequence_machines()
        self._precedence()
        self._operators_apart()
        self._tool_counts()
        self._permutation()
        self._figures()
        self._worth()
        return self.found

    def metrics(self) -> Metrics:
        ends: dict[str, list[int]] = defaultdict(list)
        for key, placed in self.placed.items():
            ends[key[0]].append(placed.assignment.end)
        whole = [job for job in self.problem.jobs if len(ends[job.id]) == len(job.operations)]
        tardy = {job.id: max(0, max(ends[job.id]) - job.due) if job.due is not None else 0 for job in whole}
        dated = {job.id for job in self.problem.jobs if job.due is not None}
        return Metrics(
            weighted_tardiness=round(sum(job.weight * tardy[job.id] for job in whole), 6),
            total_tardiness=sum(tardy.values()),
            late_orders=sum(late > 0 for late in tardy.values()) + len(dated - tardy.keys()),
            makespan=max((max(ends[job.id]) for job in whole), default=0),
            setup_time=sum(self._setups().values()),
            flow_time=sum(max(ends[job.id]) - job.release for job in whole),
            changes=self._changes(),
            outsourcing_cost=round(
                sum(
                    placed.operation.outsource.cost
                    for placed in self.placed.values()
                    if placed.assignment.outsourced and placed.operation.outsource
                ),
                6,
            ),
        )

    def _blame(self, rule: str, key: Key, detail: str) -> None:
        self.found.append(Violation(rule, *key, detail))

    # --- every operation once, each in a place of its own that is allowed -----------------------------------------

    def _place_all(self) -> None:
        for assignment in self.result.assignments:
            key = (assignment.job, assignment.operation)
            if key not in self.operations:
                self._blame("unknown_operation", key, "is not in the problem")
            elif key in self.placed or key in self.unplaced:
                self._blame("placed_twice", key, "has more than one place")
            else:
                self._place(key, assignment)
        for key, (_, operation) in self.operations.items():
            if key not in self.placed and (key not in self.unplaced or operation.fixed is not None):
                self._blame("missing", key, "has no place and is not listed as overflow, or may not be")
        for key in self.unplaced - self.operations.keys():
            self._blame("unknown_operation", key, "is not in the problem")
        if len(self.unplaced) < len(self.result.overflow):
            self._blame("placed_twice", ("", ""), "an operation is listed as overflow more than once")

    def _place(self, key: Key, assignment: Assignment) -> None:
        job, operation = self.operations[key]
        if not assignment.setup_start <= assignment.start <= assignment.end:
            self._blame("times", key, "must satisfy setup_start <= start <= end")
        numbered = enumerate(operation.modes)
        modes = [m for i, m in numbered if m.machine == assignment.machine and assignment.mode in (None, i)]
        tries = [(self._mode_faults(operation, mode, assignment), mode) for mode in modes]
        faults, mode = min(tries, key=lambda tried: len(tried[0]), default=([], None))
        if operation.fixed is not None:
            self._check_fixed(key, operation, assignment)
        elif assignment.outsourced:
            self._check_outsourced(key, operation, assignment)
            mode = None
        elif mode is None:
            self._blame("machine", key, f"cannot run on {assignment.machine}")
        else:
            for rule, detail in faults:
                self._blame(rule, key, detail)
        if operation.fixed is None:
            earliest = max(job.release, operation.release)
            if assignment.start < earliest:
                self._blame("release", key, f"starts at {assignment.start}, released at {earliest}")
            if assignment.setup_start < 0:
                self._blame("release", key, "is set up before tick 0")
            if job.deadline is not None and assignment.end > job.deadline:
                self._blame("deadline", key, f"ends at {assignment.end}, deadline {job.deadline}")
        self.placed[key] = _Placed(job, operation, mode, assignment, mode.setup if mode else 0)

    def _check_fixed(self, key: Key, operation: Operation, assignment: Assignment) -> None:
        fixed = operation.fixed
        assert fixed is not None
        wanted = (fixed.machine, fixed.operator, fixed.start, fixed.end)
        if (
            assignment.outsourced
            or (assignment.machine, assignment.operator, assignment.start, assignment.end) != wanted
        ):
            self._blame("fixed", key, f"must be at {wanted}")
        elif not any(
            sorted(mode.tools) == sorted(assignment.tools) and mode.machine == fixed.machine
            for i, mode in enumerate(operation.modes)
            if assignment.mode in (None, i)
        ):
            self._blame("tool", key, f"needs the tools of its mode on {fixed.machine}")

    def _check_outsourced(self, key: Key, operation: Operation, assignment: Assignment) -> None:
        if operation.outsource is None:
            self._blame("outsource", key, "is not offered outside")
        elif assignment.end - assignment.start != operation.outsource.lead_time:
            self._blame("outsource", key, f"takes its lead time, {operation.outsource.lead_time}")
        if (assignment.machine, assignment.operator, assignment.tools) != (None, None, ()):
            self._blame("outsource", key, "takes no machine, operator or tool of the plant")

    def _mode_faults(self, operation: Operation, mode: Mode, assignment: Assignment) -> list[tuple[str, str]]:
        faults: list[tuple[str, str]] = []
        if sorted(assignment.tools) != sorted(mode.tools):
            faults.append(("tool", f"needs the tools {list(mode.tools)}"))
        operator = self.operators.get(assignment.operator) if assignment.operator is not None else None
        if assignment.operator is not None and operator is None:
            faults.append(("operator_skill", f"{assignment.operator} is not an operator"))
        if mode.operator_skill is not None and (operator is None or mode.operator_skill not in operator.skills):
            faults.append(("operator_skill", f"needs an operator with {mode.operator_skill}"))
        calendars = [self.machines[mode.machine].calendar, *(self.tools[tool].calendar for tool in set(mode.tools))]
        if mode.operator_skill is not None and operator is not None:
            calendars.append(operator.calendar)
        calendar = self._common(*calendars)
        start, end = assignment.start, assignment.end
        if not operation.resumable and end - start != mode.duration:
            faults.append(("duration", f"takes {mode.duration}, not {end - start}"))
        elif operation.resumable and _worked(calendar, start, end) != mode.duration:
            faults.append(("duration", f"works {_worked(calendar, start, end)} of {mode.duration} ticks"))
        elif not mode.duration and start != end:
            faults.append(("duration", "takes no time, breaks included"))
        if mode.duration and not operation.resumable and _worked(calendar, start, end) != end - start:
            faults.append(("calendar", "does not fit in one common working window"))
        if (
            mode.duration
            and operation.resumable
            and not (_worked(calendar, start, start + 1) and _worked(calendar, end - 1, end))
        ):
            faults.append(("calendar", "starts or ends outside working time"))
        return faults

    # --- what happens between operations ---------------------------------------------------------------------------

    def _setups(self) -> dict[Key, int]:
        """The set-up each operation needs after the one before it on its machine."""
        needed: dict[Key, int] = {}
        for machine_id, keys in self._by_machine().items():
            machine = self.machines[machine_id]
            matrix = self.problem.setup_matrices.get(machine.setup_matrix or "", {})
            group = machine.initial_setup_group
            for key in keys:
                placed = self.placed[key]
                wanted = placed.operation.setup_group
                change = matrix.get(group, {}).get(wanted, 0) if group is not None and wanted is not None else 0
                is_past = placed.operation.fixed is not None and placed.assignment.start <= 0
                needed[key] = 0 if is_past else placed.setup + change
                group = wanted if wanted is not None else group
        return needed

    def _by_machine(self) -> dict[str, list[Key]]:
        sequences: dict[str, list[Key]] = defaultdict(list)
        for key, placed in self.placed.items():
            if placed.assignment.machine in self.machines and not placed.assignment.outsourced:
                sequences[placed.assignment.machine].append(key)
        for keys in sequences.values():
            keys.sort(key=self._turn)
        return sequences

    def _turn(self, key: Key) -> tuple[int, int, int]:
        """When its machine takes an operation on; a given place is not moved by the set-up it needs."""
        a = self.placed[key].assignment
        begin = a.start if self.placed[key].operation.fixed is not None else a.setup_start
        return begin, a.start, a.end

    def _sequence_machines(self) -> None:
        for machine, keys in self._by_machine().items():
            spans = [(self.placed[key].assignment.setup_start, self.placed[key].assignment.end, key) for key in keys]
            self._apart("machine_overlap", machine, spans)
        for key, setup in self._setups().items():
            placed = self.placed[key]
            if setup and placed.mode is not None:
                self._check_setup(key, placed, placed.mode, setup)

    def _check_setup(self, key: Key, placed: _Placed, mode: Mode, setup: int) -> None:
        calendar = self.machines[mode.machine].calendar
        given = placed.operation.fixed is not None
        if mode.setup_skill is not None and not given:
            operator = self.operators.get(placed.assignment.operator or "")
            if operator is None or mode.setup_skill not in operator.skills:
                self._blame("setup_skill", key, f"needs someone with {mode.setup_skill} to set up")
                return
            calendar = self._common(calendar, operator.calendar)
        span = (placed.assignment.setup_start, placed.assignment.start)
        worked = span[1] - span[0] if given else _worked(calendar, *span)
        if worked < setup:
            self._blame("setup", key, f"needs {setup} ticks of set-up, has {worked}")

    def _apart(self, rule: str, what: str, spans: "list[tuple[int, int, Key]]") -> None:
        """Spans in sequence must not overlap; given places may overlap each other, but nothing else does."""
        free: dict[bool, tuple[int, Key]] = {True: (_LONG_AGO, ("", "")), False: (_LONG_AGO, ("", ""))}
        for start, end, key in spans:
            is_given = self.placed[key].operation.fixed is not None
            busy, before = free[False] if is_given else max(free.values())
            if start < busy:
                self._blame(rule, key, f"begins before {what} is done with {before[0]}/{before[1]} at {busy}")
            free[is_given] = max(free[is_given], (end, key))

    def _precedence(self) -> None:
        anywhere: dict[str, list[Key]] = defaultdict(list)
        for key in self.operations:
            anywhere[key[1]].append(key)
        for key, (job, operation) in self.operations.items():
            for link in operation.predecessors:
                name, lag, other = (
                    (link, 0, None) if isinstance(link, str) else (link.operation, link.min_lag, link.job)
                )
                before = (other or job.id, name)
                self._after(key, before if before in self.operations else anywhere[name][0], lag)

    def _after(self, key: Key, before: Key, lag: int) -> None:
        placed, first = self.placed.get(key), self.placed.get(before)
        if placed is None or (placed.operation.fixed and (first is None or first.operation.fixed)):
            return
        if first is None:
            self._blame("precedence", key, f"has a place although {before[0]}/{before[1]} has none")
        elif placed.assignment.start < first.assignment.end + lag:
            self._blame("precedence", key, f"starts before {before[0]}/{before[1]} ends, with a lag of {lag}")

    def _operators_apart(self) -> None:
        setups = self._setups()
        held: dict[str, list[tuple[int, int, Key]]] = defaultdict(list)
        for key, placed in self.placed.items():
            a, mode = placed.assignment, placed.mode
            if a.operator is None or mode is None:
                continue
            sets_up = mode.setup_skill is not None and setups.get(key, 0) > 0 and placed.operation.fixed is None
            runs = mode.operator_skill is not None or placed.operation.fixed is not None
            start, end = (a.setup_start if sets_up else a.start), (a.end if runs else a.start)
            if sets_up or runs:
                held[a.operator].append((start, end, key))
        for operator, spans in held.items():
            self._apart("operator_overlap", operator, sorted(spans))

    def _tool_counts(self) -> None:
        moments: dict[str, list[tuple[int, int, Key, bool]]] = defaultdict(list)
        for key, placed in self.placed.items():
            a, given = placed.assignment, placed.operation.fixed is not None
            start = a.start if given else a.setup_start
            for tool in a.tools:
                if start < a.end and tool in self.tools:
                    moments[tool] += [(start, 1, key, given), (a.end, -1, key, given)]
        for tool, changes in moments.items():
            used = 0
            free_use = 0
            for _, step, key, given in sorted(changes):
                used += step
                free_use += 0 if given else step
                if step > 0 and used > self.tools[tool].count and free_use:
                    self._blame("tool_count", key, f"more than {self.tools[tool].count} of {tool} in use")

    def _permutation(self) -> None:
        """All machines take the jobs in the one order asked for, whichever it is."""
        if not self.problem.permutation:
            return
        # Jobs with a part in overflow are held to the order of what is placed, so machines are compared in pairs.
        places = [[self.placed.get((job.id, o.id)) for o in job.operations] for job in self.problem.jobs]
        for stages in combinations(zip(*places, strict=True), 2):
            both = [(one.assignment, other.assignment) for one, other in zip(*stages, strict=True) if one and other]
            both.sort(key=lambda pair: (pair[0].start, pair[0].end, pair[1].start))
            for (_, one), (_, other) in pairwise(both):
                if other.start < one.end:
                    self._blame("permutation", (other.job, other.operation), f"does not follow {one.job} everywhere")

    def _figures(self) -> None:
        told, real = self.result.metrics, self.metrics()
        for name in Metrics.__struct_fields__:
            if abs(getattr(told, name) - getattr(real, name)) > 1e-6 * max(1.0, abs(getattr(real, name))):
                self.found.append(Violation("metrics", "", "", f"{name} is {getattr(real, name)}"))

    def _worth(self) -> None:
        """The value told is the objective's, and what is said of it can be true."""
        objective, real = objective_of(self.problem), self.metrics()
        terms = [(term.weight, float(getattr(real, term.metric))) for term in objective.terms]
        is_ordered = objective.mode == "lexicographic"
        worth = (terms[0][0] or 1) * terms[0][1] if is_ordered else sum(weight * figure for weight, figure in terms)
        told, slack = self.result.objective, 1e-6 * max(1.0, abs(worth))
        is_untold = told is None and bool(self.result.overflow)
        if not is_untold and (told is None or abs(told - worth) > slack):
            self.found.append(Violation("objective", "", "", f"the objective is {worth}"))
        if self.result.bound is not None and self.result.bound > worth + slack:
            self.found.append(Violation("bound", "", "", f"the plan is worth {worth}, below its bound"))
        if self.result.overflow and self.result.status in ("optimal", "feasible"):
            self.found.append(Violation("status", "", "", "a plan with overflow is no whole plan"))

    def _changes(self) -> int:
        anywhere: dict[str, list[Key]] = defaultdict(list)
        for key in self.operations:
            anywhere[key[1]].append(key)
        changed = 0
        for place in self.problem.baseline:
            key = (place.job, place.operation) if place.job is not None else anywhere[place.operation][0]
            now = self.placed.get(key)
            changed += now is None or (now.assignment.machine, now.assignment.start) != (place.machine, place.start)
        return changed

    def _common(self, *calendars: Calendar | None) -> Calendar | None:
        if calendars not in self.calendars:
            common: Calendar | None = None
            for calendar in calendars:
                common = calendar if common is None else common if calendar is None else _intersect(common, calendar)
            self.calendars[calendars] = common
        return self.calendars[calendars]


def _intersect(first: Calendar, second: Calendar) -> Calendar:
    both: list[tuple[int, int]] = []
    i = j = 0
    while i < len(first) and j < len(second):
        start, end = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if start < end:
            both.append((start, end))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return tuple(both)


def _worked(calendar: Calendar | None, start: int, end: int) -> int:
    """Working ticks in ``[start, end)``; windows that touch count as one."""
    if calendar is None:
        return max(0, end - start)
    low, high = 0, len(calendar)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if calendar[middle][1] <= start else (low, middle)
    total = 0
    for window_start, window_end in calendar[low:]:
        if window_start >= end:
            break
        total += min(window_end, end) - max(window_start, start)
    return total
