"""Figures of a finished plan beyond its metrics: how busy machines are, when orders end, how two plans differ."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from woaas_solver_farm.problem import Calendar, Problem
from woaas_solver_farm.result import BaselinePlan, Result

Span = tuple[str, int, int]


def spans_of(result: Result) -> Iterator[Span]:
    """Machine, begin and end of every operation done inside, its set-up counted."""
    return ((a.machine, a.setup_start, a.end) for a in result.assignments if a.machine is not None)


def utilisation(problem: Problem, spans: Iterable[Span]) -> float | None:
    """The share of the machines' working time within the horizon that is planned for set-up and work.

    ISO 22400-2 calls busy time over available time allocation efficiency. None where nothing is ever open.
    """
    end = problem.horizon or 0
    calendars = {machine.id: _Worked(machine.calendar, end) for machine in problem.machines}
    open_ticks = sum(calendar.until(end) for calendar in calendars.values())
    if not open_ticks:
        return None
    busy = sum(calendars[machine].until(last) - calendars[machine].until(first) for machine, first, last in spans)
    return round(busy / open_ticks, 4)


class _Worked:
    """Working ticks of a calendar from 0 up to any tick within the horizon, in logarithmic time."""

    def __init__(self, calendar: Calendar | None, horizon: int) -> None:
        self._horizon = horizon
        windows = ((0, horizon),) if calendar is None else calendar
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before = [0]
        for start, end in windows:
            first, last = max(0, start), min(horizon, end)
            if first < last:
                self._starts.append(first)
                self._ends.append(last)
                self._before.append(self._before[-1] + last - first)

    def until(self, tick: int) -> int:
        """Working ticks in ``[0, tick)``."""
        i = bisect_right(self._starts, tick) - 1
        return 0 if i < 0 else self._before[i] + min(tick, self._ends[i]) - self._starts[i]


def ends_of(problem: Problem, result: Result) -> dict[str, int]:
    """When each job ends, by its id; jobs with an operation without a place are not in it."""
    missing = {gap.job for gap in result.overflow}
    ends: dict[str, int] = {}
    for a in result.assignments:
        if a.job not in missing:
            ends[a.job] = max(a.end, ends.get(a.job, a.end))
    return ends


def baseline_ends(problem: Problem, plan: BaselinePlan) -> dict[str, int]:
    """The same for what a plain rule made."""
    ends: dict[str, int] = {}
    missing: set[str] = set()
    for (job, _), (*_, end) in zip(problem.operations(), plan.places, strict=True):
        if end < 0:
            missing.add(job.id)
        else:
            ends[job.id] = max(end, ends.get(job.id, end))
    return {job: end for job, end in ends.items() if job not in missing}


def beside(problem: Problem, result: Result, plan: BaselinePlan) -> dict[str, Any]:
    """What is kept of a plain rule's plan: metrics, utilisation, and how many operations the plan places otherwise."""
    machines = [machine.id for machine in problem.machines]
    now = {(a.job, a.operation): (a.machine, a.start) for a in result.assignments}
    moved = 0
    spans: list[Span] = []
    for (job, operation), (machine, begin, start, end) in zip(problem.operations(), plan.places, strict=True):
        place = None if end < 0 else (machines[machine] if machine >= 0 else None, start)
        moved += now.get((job.id, operation.id)) != place
        if end >= 0 and machine >= 0:
            spans.append((machines[machine], begin, end))
    return {
        "metrics": msgspec.to_builtins(plan.metrics),
        "utilisation": utilisation(problem, spans),
        "moved_operations": moved,
    }
