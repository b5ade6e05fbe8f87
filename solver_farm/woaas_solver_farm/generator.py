"""A made-up factory of any size, the same for the same seed: for load tests, benchmarks and the demo.

Work centres of day, two-shift and round-the-clock machines with Sundays off and breakdown windows; families with
asymmetric set-ups; operators with one to three skills; moulds; release dates, weights and due dates drawn around
what a loaded plant can keep.
"""

import random
from typing import NamedTuple

from .problem import Calendar, Job, Machine, Mode, Operation, Operator, Problem, Tool

_DAY = 24 * 60
_SHIFTS = {"day": ((8 * 60, 16 * 60),), "two": ((6 * 60, 22 * 60),), "night": ((0, _DAY),)}
_CENTRES = 12


class Shape(NamedTuple):
    """How the factory is loaded; times in minutes."""

    orders: int
    utilisation: float = 0.66
    families: int = 8
    manual_share: float = 0.6


def generate(shape: Shape, seed: int) -> Problem:
    """A factory whose size fits the orders: about six operations an order, one tick a minute."""
    return _Factory(shape, random.Random(seed)).problem()  # noqa: S311 - made-up data, and it must repeat


class _Factory:
    def __init__(self, shape: Shape, rng: random.Random) -> None:
        self.shape = shape
        self.rng = rng
        self.per_centre = max(2, round((shape.orders / 60) ** 0.5))
        machines = _CENTRES * self.per_centre
        # An operation takes 52 minutes on average and an average machine is open 11 of 24 hours.
        work = shape.orders * 6 * 52
        self.span = max(5 * _DAY, round(work / machines / shape.utilisation / 11 * 24))
        self.days = self.span * 6 // _DAY + 30

    def problem(self) -> Problem:
        centres = [f"C{c}" for c in range(_CENTRES)]
        manual = {centre for centre in centres if self.rng.random() < self.shape.manual_share}
        machines = [machine for centre in centres for machine in self._machines(centre)]
        tools = tuple(Tool(id=f"mould-{f}", count=1 + self.per_centre // 2) for f in range(self.shape.families))
        jobs = tuple(self._job(j, centres, manual) for j in range(self.shape.orders))
        return Problem(
            tick="PT1M",
            horizon=self.days * _DAY,
            machines=tuple(machines),
            setup_matrices={centre: self._matrix() for centre in centres},
            operators=tuple(self._operators(sorted(manual))),
            tools=tools,
            jobs=jobs,
        )

    def _machines(self, centre: str) -> list[Machine]:
        return [
            Machine(
                id=f"{centre}-{i}",
                calendar=self._calendar(self.rng.choice(["day", "two", "two", "night"]), breakdowns=True),
                setup_matrix=centre,
                initial_setup_group=f"F{self.rng.randrange(self.shape.families)}",
            )
            for i in range(self.per_centre)
        ]

    def _calendar(self, shift: str, *, breakdowns: bool) -> Calendar:
        windows: list[tuple[int, int]] = []
        for day in range(self.days):
            if day % 7 == 6:
                continue
            for start, end in _SHIFTS[shift]:
                down = breakdowns and self.rng.random() < 0.03
                windows.append((day * _DAY + start + (120 if down else 0), day * _DAY + end))
        return tuple(windows)

    def _operators(self, manual: list[str]) -> list[Operator]:
        count = len(manual) * self.per_centre * 9 // 5
        return [
            Operator(
                id=f"P{i}",
                # The first people cover every skill once, so that nothing is impossible.
                skills=tuple(sorted({manual[i % len(manual)], *self.rng.sample(manual, k=self.rng.randrange(0, 3))})),
                calendar=self._calendar(("day", "two")[i // len(manual) % 2], breakdowns=False),
            )
            for i in range(count)
        ]

    def _matrix(self) -> dict[str, dict[str, int]]:
        """Set-up grows with the distance of families on a line, more uphill than down: it keeps the triangle rule."""
        up, down = self.rng.randrange(4, 9), self.rng.randrange(2, 5)
        names = [f"F{f}" for f in range(self.shape.families)]
        return {
            a: {b: 8 + (up * (j - i) if j > i else down * (i - j)) for j, b in enumerate(names) if i != j}
            for i, a in enumerate(names)
        }

    def _job(self, number: int, centres: list[str], manual: set[str]) -> Job:
        family = self.rng.randrange(self.shape.families)
        route = self.rng.sample(centres, k=self.rng.randrange(4, 9))
        operations = tuple(
            self._operation(i, centre, family, is_manual=centre in manual) for i, centre in enumerate(route)
        )
        release = self.rng.randrange(0, max(1, self.span * 2 // 3))
        work = sum(operation.modes[0].duration for operation in operations)
        due = release + round(work * self.rng.uniform(2, 6)) + self.rng.randrange(2 * _DAY, 6 * _DAY)
        return Job(
            id=f"WO-{number:05}",
            release=release,
            due=due,
            weight=self.rng.choice([1, 1, 2, 4, 8]),
            operations=operations,
        )

    def _operation(self, i: int, centre: str, family: int, *, is_manual: bool) -> Operation:
        duration = self.rng.randrange(15, 90)
        able = self.rng.sample(range(self.per_centre), k=min(self.per_centre, self.rng.randrange(1, 4)))
        needs_mould = centre == "C0"
        modes = tuple(
            Mode(
                machine=f"{centre}-{machine}",
                duration=round(duration * self.rng.uniform(0.9, 1.2)),
                operator_skill=centre if is_manual else None,
                tools=(f"mould-{family}",) if needs_mould else (),
            )
            for machine in sorted(able)
        )
        return Operation(
            id=f"{i + 1}0",
            modes=modes,
            setup_group=f"F{family}",
            predecessors=(f"{i}0",) if i else (),
            resumable=self.rng.random() < 0.2,
        )
