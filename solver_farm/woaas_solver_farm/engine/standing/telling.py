"""From places to answers."""

from collections.abc import Set

from woaas_solver_farm.result import Assignment

from .answers import Answer, JobChange, Moved, Stay
from .figures import Figures, difference
from .floor import Floor, Spot
from .shop import OUTSIDE


class Teller:
    """Says what has changed on a floor since a mark in its journal."""

    def __init__(self, floor: Floor, figures: Figures) -> None:
        self._floor, self._shop, self._figures = floor, floor.shop, figures

    def answer(self, mark: int, asked: Set[int]) -> Answer:
        """What came of the changes since ``mark``; ``asked`` are the operations asked about."""
        before, spots = self.touched(mark), self._floor.spots
        metrics = self._figures.after(before)
        moved: list[Moved] = []
        for i, old in sorted(before.items()):
            new = spots[i]
            if i in asked or old is None or (new is not None and self._is_same(i, old, new)):
                continue
            job, operation = self.name(i)
            after = None if new is None else self._stay(i, new)
            moved.append(Moved(job=job, operation=operation, before=self._stay(i, old), after=after))
        changes: list[JobChange] = []
        for j in sorted({self._shop.job_of[i] for i, old in before.items() if old is not None}):
            old_end = self._figures.state(j, lambda i: before.get(i, spots[i])).end
            new_state = self._figures.state(j, spots.__getitem__)
            if new_state.end != old_end:
                job = self._shop.jobs[j].id
                changes.append(JobChange(job=job, due=new_state.due, before=old_end, after=new_state.end))
        return Answer(
            places=tuple(self.assignment(i, spot) for i in sorted(asked) if (spot := spots[i]) is not None),
            moved=tuple(moved),
            jobs=tuple(changes),
            metrics=metrics,
            delta=difference(metrics, self._figures.now),
        )

    def touched(self, mark: int) -> dict[int, Spot | None]:
        """The places before, of what has another place than it had at ``mark``."""
        before: dict[int, Spot | None] = {}
        for i, spot in self._floor.journal[mark:]:
            before.setdefault(i, spot)
        return {i: spot for i, spot in before.items() if self._floor.spots[i] != spot}

    def name(self, i: int) -> tuple[str, str]:
        """The job and id of an operation."""
        return self._shop.jobs[self._shop.job_of[i]].id, self._shop.operations[i].id

    def assignment(self, i: int, spot: Spot) -> Assignment:
        """A place as plans write it."""
        way, (job, operation) = self._floor.way(i, spot), self.name(i)
        is_outside = way.machine == OUTSIDE
        return Assignment(
            job=job,
            operation=operation,
            machine=None if is_outside else self._shop.machines[way.machine].id,
            operator=self._shop.operators[spot.operator].id if spot.operator >= 0 else None,
            tools=() if way.mode is None else self._shop.operations[i].modes[way.mode].tools,
            setup_start=spot.setup_start,
            start=spot.start,
            end=spot.end,
            outsourced=is_outside,
            mode=way.mode,
        )

    def _stay(self, i: int, spot: Spot) -> Stay:
        machine = self._floor.way(i, spot).machine
        return Stay(
            machine=None if machine == OUTSIDE else self._shop.machines[machine].id,
            operator=self._shop.operators[spot.operator].id if spot.operator >= 0 else None,
            setup_start=spot.setup_start,
            start=spot.start,
            end=spot.end,
        )

    def _is_same(self, i: int, one: Spot, other: Spot) -> bool:
        """Whether only the set-up differs."""
        machines = self._floor.way(i, one).machine == self._floor.way(i, other).machine
        return machines and (one.start, one.end, one.operator) == (other.start, other.end, other.operator)
