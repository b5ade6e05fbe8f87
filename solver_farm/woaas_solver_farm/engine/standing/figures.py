"""The metrics of a standing plan, kept up to date by what a change touches."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from woaas_solver_farm.problem import Place
from woaas_solver_farm.result import Metrics

from .floor import Floor, Spot
from .shop import OUTSIDE

Look = Callable[[int], Spot | None]


class JobState(NamedTuple):
    """When a job is released and ends; an end of None means that an operation has no place."""

    release: int
    due: int | None
    weight: float
    end: int | None

    @property
    def tardiness(self) -> int:
        """By how much it misses its due time; nothing is said of one without an end."""
        return 0 if self.due is None or self.end is None else max(0, self.end - self.due)

    @property
    def counts_late(self) -> bool:
        """Whether it is one of the late orders."""
        return self.tardiness > 0 or (self.end is None and self.due is not None)


class Figures:
    """The metrics of the floor as it was when ``settle`` was last called, and of any change since."""

    def __init__(self, floor: Floor, baseline: Iterable[Place]) -> None:
        self._floor = floor
        shop = floor.shop
        self._baseline: dict[int, tuple[int, int]] = {}
        names: dict[str, int] = {}
        for (_, operation), i in shop.number.items():
            names.setdefault(operation, i)
        for place in baseline:
            i = names[place.operation] if place.job is None else shop.number[place.job, place.operation]
            machine = OUTSIDE if place.machine is None else shop.machine_number.get(place.machine, -3)
            self._baseline[i] = (machine, place.start)
        self.ends: list[int | None] = []
        self.now = Metrics(
            weighted_tardiness=0,
            total_tardiness=0,
            late_orders=0,
            makespan=0,
            setup_time=0,
            flow_time=0,
            changes=0,
            outsourcing_cost=0,
        )

    def settle(self) -> None:
        """Take the floor as it is for what later changes are measured against."""
        spots, jobs = self._floor.spots, range(len(self._floor.shop.jobs))
        states = [self.state(j, spots.__getitem__) for j in jobs]
        self.ends = [s.end for s in states]
        self.now = _sum(
            states,
            makespan=max((e for e in self.ends if e is not None), default=0),
            setup_time=sum(s.need for s in spots if s is not None),
            changes=sum(self._changed(i, spots[i]) for i in self._baseline),
            cost=sum(self._cost(i, spot) for i, spot in enumerate(spots)),
        )

    def state(self, job: int, look: Look) -> JobState:
        """A job with the places that ``look`` shows."""
        shop = self._floor.shop
        done = self._floor.done
        ends: list[int] = []
        for i in range(shop.first[job], shop.first[job + 1]):
            spot = look(i)
            over = done.get(i) if spot is None else spot.end
            if over is None:
                break
            ends.append(over)
        end = max(ends) if len(ends) == shop.first[job + 1] - shop.first[job] else None
        head = shop.jobs[job]
        return JobState(head.release, head.due, head.weight, end)

    def after(self, before: Mapping[int, Spot | None]) -> Metrics:
        """The metrics now, if ``before`` are the places of all that has changed since ``settle``."""
        floor, shop = self._floor, self._floor.shop
        touched = {shop.job_of[i] for i in before}
        # A job that was added has no figures before.
        known = len(self.ends)
        old = [self.state(j, lambda i: before.get(i, floor.spots[i])) for j in touched if j < known]
        new = {j: self.state(j, floor.spots.__getitem__) for j in touched}
        ends = (e for j, e in enumerate(self.ends) if e is not None and j not in touched)
        gone = _sum(
            old,
            makespan=0,
            setup_time=sum(s.need for s in before.values() if s is not None),
            changes=sum(self._changed(i, s) for i, s in before.items() if i in self._baseline),
            cost=sum(self._cost(i, s) for i, s in before.items()),
        )
        come = _sum(
            new.values(),
            makespan=max(max(ends, default=0), max((s.end for s in new.values() if s.end is not None), default=0)),
            setup_time=sum(s.need for i in before if (s := floor.spots[i]) is not None),
            changes=sum(self._changed(i, floor.spots[i]) for i in before if i in self._baseline),
            cost=sum(self._cost(i, floor.spots[i]) for i in before),
        )
        total = difference(come, difference(gone, self.now))
        return msgspec.structs.replace(Metrics(**total), makespan=come.makespan)  # type: ignore[arg-type]

    def keep(self, metrics: Metrics, touched: Iterable[int]) -> None:
        """Let a change stand."""
        shop = self._floor.shop
        self.ends += [None] * (len(shop.jobs) - len(self.ends))
        for j in {shop.job_of[i] for i in touched}:
            self.ends[j] = self.state(j, self._floor.spots.__getitem__).end
        self.now = metrics

    def _changed(self, i: int, spot: Spot | None) -> bool:
        if spot is None:
            return True
        return (self._floor.way(i, spot).machine, spot.start) != self._baseline[i]

    def _cost(self, i: int, spot: Spot | None) -> float:
        if spot is None:
            return 0.0
        way = self._floor.way(i, spot)
        return way.cost if way.machine == OUTSIDE else 0.0


def difference(one: Metrics, other: Metrics | Mapping[str, float]) -> dict[str, float]:
    """``one`` less ``other``, figure by figure."""
    less = other if isinstance(other, Mapping) else msgspec.structs.asdict(other)
    return {name: value - less[name] for name, value in msgspec.structs.asdict(one).items()}


def _sum(states: Iterable[JobState], *, makespan: int, setup_time: int, changes: int, cost: float) -> Metrics:
    states = list(states)
    return Metrics(
        weighted_tardiness=round(sum(s.weight * s.tardiness for s in states), 6),
        total_tardiness=sum(s.tardiness for s in states),
        late_orders=sum(s.counts_late for s in states),
        makespan=makespan,
        setup_time=setup_time,
        flow_time=sum(s.end - s.release for s in states if s.end is not None),
        changes=changes,
        outsourcing_cost=round(cost, 6),
    )
