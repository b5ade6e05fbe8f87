"""The plant and its people as the solver counts them: machines, set-up matrices, operators, tools, working time."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from woaas_core.durations import parse_duration
from woaas_solver_farm.calendars import Windows, elapse, working_windows
from woaas_solver_farm.horizon import Horizon, ticks_up
from woaas_solver_farm.problem import Machine, Operator, Tool
from woaas_solver_farm.snapshot import Snapshot

CLOSED_STATES = ("down", "maintenance")
# Late work is placed after the horizon, so calendars go on there.
_BEYOND = timedelta(days=60)
_MAX_COUNT = 10_000


class Plant:
    """Master data over one horizon."""

    def __init__(self, snapshot: Snapshot, horizon: Horizon) -> None:
        self.work_centers = snapshot.work_centers
        self.people = snapshot.operators
        self.able_now = [c for c, body in self.work_centers.items() if body.get("state") not in CLOSED_STATES]
        self._snapshot = snapshot
        self._horizon = horizon
        self._beyond = max(2 * horizon.ticks, ticks_up(_BEYOND))
        self._windows: dict[str, Windows] = {}
        self._longest: dict[str | None, int] = {}
        self._held = {c: _held(body, horizon.start_at.date()) for c, body in self.people.items()}
        self._asked: set[str] = set()

    def machines(self) -> Iterator[Machine]:
        """Every work center, those that are down too: what runs on them is still a fact."""
        for code, body in self.work_centers.items():
            yield Machine(
                id=code,
                calendar=self._windows_of(body.get("calendar")),
                setup_matrix=self._matrix_of(code, body),
                initial_setup_group=self._snapshot.machine_groups.get(code, body.get("initial_setup_group")),
            )

    def setup_matrices(self) -> dict[str, dict[str, dict[str, int]]]:
        """Minutes of changing over, by matrix, from group and to group."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for name, body in self._snapshot.setup_matrices.items():
            matrix = found.setdefault(name, {})
            for entry in body.get("entries", ()):
                ticks = ticks_up(parse_duration(entry["duration"]))
                matrix.setdefault(entry["from_group"], {})[entry["to_group"]] = ticks
        return found

    def compound_skill(self, skills: Iterable[str]) -> str | None:
        """One name for a set of skills that one person must hold together."""
        name = "+".join(sorted(set(skills)))
        if not name:
            return None
        self._asked.add(name)
        return name

    def operators(self) -> Iterator[Operator]:
        """People with the compound skills asked for so far that they hold whole."""
        for code, body in self.people.items():
            skills = tuple(sorted(s for s in self._asked if self._held[code].issuperset(s.split("+"))))
            yield Operator(id=code, skills=skills, calendar=self._windows_of(body.get("calendar")))

    def tools(self, named: Iterable[str]) -> Iterator[Tool]:
        """Every tool on record, and once each those that operations name and nobody recorded."""
        for code in sorted({*self._snapshot.tools, *named}):
            count = self._snapshot.tools.get(code, {}).get("count", 1)
            yield Tool(id=code, count=min(_MAX_COUNT, count))

    def longest_stretch(self, machine: str, skill: str | None) -> int:
        """The longest time without a break that the machine, and anybody able, works."""
        by_machine = self._longest_of(self.work_centers[machine].get("calendar"))
        if skill is None:
            return by_machine
        able = [c for c, held in self._held.items() if held.issuperset(skill.split("+"))]
        by_people = max((self._longest_of(self.people[c].get("calendar")) for c in able), default=by_machine)
        return min(by_machine, by_people)

    def working_end(self, machine: str, start: int, work: int) -> int:
        """When work that goes on at ``start`` on a machine ends, its breaks counted."""
        return elapse(self._windows_of(self.work_centers[machine].get("calendar")), start, work)

    def _windows_of(self, calendar: str | None) -> Windows | None:
        """Working windows of a calendar code; no calendar, or one that is not there, is always open."""
        body = self._snapshot.calendars.get(calendar or "")
        if calendar is None or body is None:
            return None
        if calendar not in self._windows:
            self._windows[calendar] = working_windows(body, self._horizon, beyond=self._beyond)
        return self._windows[calendar]

    def _longest_of(self, calendar: str | None) -> int:
        if calendar not in self._longest:
            windows = self._windows_of(calendar)
            everything = self._horizon.ticks + self._beyond
            self._longest[calendar] = everything if windows is None else max((e - s for s, e in windows), default=0)
        return self._longest[calendar]

    def _matrix_of(self, code: str, body: Mapping[str, Any]) -> str | None:
        """The first matrix that names the work center, else the first that names its class."""
        matrices = self._snapshot.setup_matrices
        named = (name for name, matrix in matrices.items() if code in matrix.get("work_centers", ()))
        kind = body.get("equipment_class")
        of_class = (name for name, m in matrices.items() if kind is not None and m.get("equipment_class") == kind)
        return next(named, None) or next(of_class, None)


def _held(body: Mapping[str, Any], day: date) -> set[str]:
    today = day.isoformat()
    return {
        q["skill"]
        for q in body.get("qualifications", ())
        if (q.get("valid_from") or "") <= today <= (q.get("valid_to") or "9999")
    }
