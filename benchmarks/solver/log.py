"""The real shop-floor log: open orders at several instants planned by the engine, against what the factory did.

What is comparable. The plan gets the same operations with the minutes they really took, on the machines they really
ran on, after the operations they really followed; work that came in later stays where the factory had it, as a fact;
machines work in the hours of the week in which the log shows them at work. So the difference is the order of the work.
What is not: the plan knows the minutes beforehand, people are not in it (a sixth of their reported time overlaps), and
an order may have waited for a customer, material or a decision that the log does not tell of.

Set-ups: the log has what each operation took in the order chosen then. For another order a matrix is estimated from the
whole log: by machine, the mean set-up after the same part and after another. "By the matrix" counts the factory's own
order with it too, so that both sides of that comparison are the same model. Each instant is planned twice: for flow
time, and for set-ups first.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

import msgspec

from benchmarks.solver import log_durations
from benchmarks.solver.data import DATA
from benchmarks.solver.results import Trial, measured, version_of
from benchmarks.solver.tables import show
from woaas.replay.shopfloor_log import Row, read_log
from woaas_solver_farm.problem import (
    Fixed,
    Job,
    Limits,
    Machine,
    Mode,
    Objective,
    Operation,
    Problem,
    Term,
)

SECONDS, WORKERS, SEED = 20.0, 2, 1
# A minute of set-up beside a minute of one order's flow time, where set-ups come first.
SETUPS_FIRST = 200.0
INSTANTS = tuple(datetime(2012, 1, 16, 12, tzinfo=UTC) + timedelta(days=7 * n) for n in range(8))
# A machine works in the hours of the week in which it worked in this many weeks, if that is most of what it did; else
# in those of the whole factory.
_WEEKS, _MOST = 3, 0.8
_HOUR = timedelta(hours=1)
_BUSY_SHARE = 0.95
Step = tuple[str, str]
"""Case and activity."""
Sequences = dict[str, list[tuple[float, str, bool]]]
"""By machine: start, part, and whether it is an open order's operation."""
Slot = tuple[int, int]
"""An hour of the week: day and hour."""


class Work(NamedTuple):
    """All rows of one operation, in order, and the machine most of them name."""

    step: Step
    part: str
    resource: str
    rows: tuple[Row, ...]

    @property
    def start(self) -> datetime:
        return min(r.started_at for r in self.rows)

    @property
    def end(self) -> datetime:
        return max(r.ended_at for r in self.rows)


class Figures(NamedTuple):
    """One instant, hours."""

    orders: int
    operations: int
    real_flow_h: float
    planned_flow_h: float
    setups_first_flow_h: float
    reported_setup_h: float
    real_setup_h: float
    planned_setup_h: float
    setups_first_setup_h: float


def main() -> None:
    """Print the table of instants, then how well durations are foretold."""
    path = DATA / "shopfloor_log" / "production_log.csv"
    if not path.exists():
        print(f"no production log at {path}\n")
        return
    from woaas_solver_farm.engine.warm import warm  # noqa: PLC0415

    warm()
    with path.open(newline="") as file:
        rows = read_log(file, UTC).rows
    log = Log(rows)
    table: list[list[object]] = []
    for at in INSTANTS:
        version = version_of("solver_farm/woaas_solver_farm", "benchmarks/solver/log.py")
        trial = Trial("log", version, f"{at:%m%d}", SEED, SECONDS)
        found = measured(trial, lambda at=at: log.compare(at)._asdict())
        table.append([f"{at:%Y-%m-%d %H:%M}", *(found[n] for n in Figures._fields)])
    means: list[object] = [fmean(float(str(row[i])) for row in table) for i in range(1, len(table[0]))]
    table.append(["mean", *means])
    columns = ["instant", "orders", "operations", "flow h, real", "planned", "set-ups first", "set-up h, reported",
               "by the matrix", "planned", "set-ups first"]  # fmt: skip
    show(f"Open orders at {len(INSTANTS)} instants, {SECONDS:g} s, {WORKERS} workers", columns, table)
    log_durations.main(rows)


class Log:
    """The log as operations, working hours and a set-up matrix."""

    def __init__(self, rows: Sequence[Row]) -> None:
        kept = [r for r in rows if r.ended_at > r.started_at]
        steps: dict[Step, list[Row]] = defaultdict(list)
        for row in kept:
            steps[row.case, row.activity].append(row)
        self.works = [Work(step, of[0].part, _longest(of), tuple(of)) for step, of in steps.items()]
        self.cases: dict[str, list[Work]] = defaultdict(list)
        for work in self.works:
            self.cases[work.step[0]].append(work)
        self.by_resource: dict[str, list[Row]] = defaultdict(list)
        for work in self.works:
            self.by_resource[work.resource] += work.rows
        self.everywhere = _pattern(kept)
        self.patterns = {r: _hours(of, _pattern(of), self.everywhere) for r, of in self.by_resource.items()}
        self.places = {resource: _side_by_side(of) for resource, of in self.by_resource.items()}
        self.matrix = {resource: self._setups(resource) for resource in self.by_resource}

    def compare(self, at: datetime) -> Figures:
        """Plan what is open at an instant and measure both."""
        open_cases = {c: of for c, of in self.cases.items() if min(w.start for w in of) < at < max(w.end for w in of)}
        left = {w.step: w for of in open_cases.values() for w in of if w.end > at}
        later = [w for c, of in self.cases.items() if c not in open_cases for w in of if w.start >= at]
        problem = self._problem(at, open_cases, left, later)
        flow_h, setup_h = self._planned(at, problem, left, setup_weight=1)
        setups_first = self._planned(at, problem, left, setup_weight=SETUPS_FIRST)
        real: Sequences = defaultdict(list)
        for work, is_open in [*((w, True) for w in left.values()), *((w, False) for w in later)]:
            start = _minutes(_after(work.rows, at)[0][0] - at)
            real[f"{work.resource}#0"].append((start, work.part, is_open))
        return Figures(
            orders=len(open_cases),
            operations=len(left),
            real_flow_h=fmean(_minutes(max(w.end for w in of) - at) / 60 for of in open_cases.values()),
            planned_flow_h=flow_h,
            setups_first_flow_h=setups_first[0],
            reported_setup_h=sum(_worked(w.rows, at, ("setup",)) for w in left.values()) / 60,
            real_setup_h=self._counted(at, real) / 60,
            planned_setup_h=setup_h,
            setups_first_setup_h=setups_first[1],
        )

    def _planned(
        self, at: datetime, problem: Problem, left: dict[Step, Work], *, setup_weight: float
    ) -> tuple[float, float]:
        """Mean flow time of the open orders and their set-ups by the matrix, hours."""
        from woaas_solver_farm.engine.solve import solve  # noqa: PLC0415

        terms = (Term(metric="flow_time", weight=1), Term(metric="setup_time", weight=setup_weight))
        asked = msgspec.structs.replace(problem, objective=Objective(mode="weighted", terms=terms))
        result = solve(asked, Limits(time_limit=SECONDS, workers=WORKERS, seed=SEED))
        assert result.accepted
        ends: dict[str, int] = defaultdict(int)
        placed: Sequences = defaultdict(list)
        for a in result.assignments:
            work = left.get((a.job, a.operation))
            if work is not None:
                ends[a.job] = max(ends[a.job], a.end)
            assert a.machine is not None
            part = work.part if work is not None else a.operation.partition("|")[0]
            placed[a.machine].append((a.start, part, work is not None))
        return fmean(end / 60 for end in ends.values()), self._counted(at, placed) / 60

    def _problem(
        self, at: datetime, open_cases: dict[str, list[Work]], left: dict[Step, Work], later: Sequence[Work]
    ) -> Problem:
        horizon = int(_minutes(max(w.end for w in self.works) - at)) + 60 * 24 * 60
        parts = sorted({w.part for w in self.works})
        matrices = {
            resource: {a: {b: same if a == b else other for b in parts} for a in parts}
            for resource, (same, other) in self.matrix.items()
        }
        machines = [
            Machine(
                id=f"{resource}#{n}",
                calendar=self._calendar(resource, at, horizon),
                setup_matrix=resource,
                initial_setup_group=self._group_at(resource, at),
            )
            for resource, count in self.places.items()
            for n in range(count)
        ]
        jobs = [self._job(case, [w for w in of if w.step in left], at) for case, of in open_cases.items()]
        return Problem(
            machines=tuple(machines),
            jobs=(*jobs, *self._facts(later, at)),
            setup_matrices=matrices,
            horizon=horizon,
        )

    def _job(self, case: str, works: Sequence[Work], at: datetime) -> Job:
        return Job(
            id=case,
            release=0,
            due=None,
            weight=1,
            operations=tuple(
                Operation(
                    id=work.step[1],
                    modes=tuple(
                        Mode(
                            machine=f"{work.resource}#{n}", duration=round(_worked(work.rows, at, ("run", "breakdown")))
                        )
                        for n in range(self.places[work.resource])
                    ),
                    setup_group=work.part,
                    predecessors=tuple(other.step[1] for other in works if other.end <= work.start),
                    resumable=True,
                )
                for work in works
            ),
        )

    def _facts(self, later: Sequence[Work], at: datetime) -> Iterable[Job]:
        """Rows of orders that came in later, each on the place of its resource that is free first."""
        free: dict[str, list[tuple[datetime, int]]] = {r: [(at, n) for n in range(k)] for r, k in self.places.items()}
        spans = sorted((start, end, work) for work in later for start, end in _after(work.rows, at))
        for number, (start, end, work) in enumerate(spans):
            _, place = heapq.heappop(free[work.resource])
            heapq.heappush(free[work.resource], (end, place))
            machine = f"{work.resource}#{place}"
            fixed = Fixed(machine=machine, start=round(_minutes(start - at)), end=round(_minutes(end - at)))
            mode = Mode(machine=machine, duration=fixed.end - fixed.start)
            name = f"{work.part}|{number}"
            operation = Operation(id=name, modes=(mode,), setup_group=work.part, fixed=fixed)
            yield Job(id=f"later {number}", release=0, due=None, weight=0, operations=(operation,))

    def _setups(self, resource: str) -> tuple[int, int]:
        """Mean set-up minutes after the same part and after another; one mean where one was seen less than thrice."""
        works = sorted((w for w in self.works if w.resource == resource), key=lambda w: w.start)
        same: list[float] = []
        other: list[float] = []
        for before, work in pairwise(works):
            (same if before.part == work.part else other).append(_worked(work.rows, None, ("setup",)))
        if len(same) < 3 or len(other) < 3:
            same = other = [*same, *other] or [0.0]
        return round(fmean(same)), round(fmean(other))

    def _counted(self, at: datetime, placed: Sequences) -> float:
        """Set-up minutes by the matrix of the open orders' operations in a sequence."""
        total = 0.0
        for machine, sequence in placed.items():
            resource = machine.rpartition("#")[0]
            same, other = self.matrix[resource]
            before = self._group_at(resource, at)
            for _, part, is_open in sorted(sequence):
                if before is not None and is_open:
                    total += same if part == before else other
                before = part
        return total

    def _group_at(self, resource: str, at: datetime) -> str | None:
        done = [r for r in self.by_resource[resource] if r.started_at < at]
        return max(done, key=lambda r: r.started_at).part if done else None

    def _calendar(self, resource: str, at: datetime, horizon: int) -> tuple[tuple[int, int], ...]:
        pattern = self.patterns[resource]
        windows: list[tuple[int, int]] = []
        begin = at.replace(minute=0)
        for n in range(horizon // 60 + 1):
            hour = begin + n * _HOUR
            if (hour.weekday(), hour.hour) in pattern:
                start = max(0, int(_minutes(hour - at)))
                end = int(_minutes(hour + _HOUR - at))
                if windows and windows[-1][1] == start:
                    windows[-1] = (windows[-1][0], end)
                else:
                    windows.append((start, end))
        return tuple(windows)


def _longest(rows: Sequence[Row]) -> str:
    worked: dict[str, float] = defaultdict(float)
    for row in rows:
        worked[row.resource] += _minutes(row.ended_at - row.started_at)
    return max(worked, key=lambda resource: worked[resource])


def _after(rows: Sequence[Row], at: datetime | None) -> list[tuple[datetime, datetime]]:
    """Spans of rows after an instant, those that meet made one."""
    spans: list[tuple[datetime, datetime]] = []
    clipped = ((max(r.started_at, at) if at else r.started_at, r.ended_at) for r in rows if not at or r.ended_at > at)
    for start, end in sorted(clipped):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _worked(rows: Sequence[Row], at: datetime | None, kinds: Sequence[str]) -> float:
    """Minutes of some kinds after an instant."""
    return sum(_minutes(end - start) for start, end in _after([r for r in rows if r.kind in kinds], at))


def _pattern(rows: Sequence[Row]) -> frozenset[Slot]:
    """The hours of the week with work in at least three weeks."""
    weeks: dict[Slot, set[int]] = defaultdict(set)
    for row in rows:
        for slot in _slots(row):
            weeks[slot].add(row.started_at.isocalendar().week)
    return frozenset(slot for slot, seen in weeks.items() if len(seen) >= _WEEKS)


def _hours(rows: Sequence[Row], own: frozenset[Slot], everywhere: frozenset[Slot]) -> frozenset[Slot]:
    worked = [slot for row in rows for slot in _slots(row)]
    return own if sum(slot in own for slot in worked) >= _MOST * len(worked) else everywhere


def _slots(row: Row) -> Iterable[Slot]:
    hour = row.started_at.replace(minute=0, second=0)
    while hour < row.ended_at:
        yield hour.weekday(), hour.hour
        hour += _HOUR


def _side_by_side(rows: Sequence[Row]) -> int:
    """How many operations a resource does at once: enough for 95 % of its busy time."""
    edges = sorted([(r.started_at, 1) for r in rows] + [(r.ended_at, -1) for r in rows])
    lasted: dict[int, float] = defaultdict(float)
    level, since = 0, edges[0][0]
    for moment, step in edges:
        if level:
            lasted[level] += _minutes(moment - since)
        level, since = level + step, moment
    total, seen = sum(lasted.values()), 0.0
    for level in sorted(lasted):
        seen += lasted[level]
        if seen >= _BUSY_SHARE * total:
            return level
    return max(lasted, default=1)


def _minutes(length: timedelta) -> float:
    return length.total_seconds() / 60
