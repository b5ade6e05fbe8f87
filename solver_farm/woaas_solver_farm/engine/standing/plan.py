"""The plan in memory: made from a problem and its result, asked by insert, move and close."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from woaas_solver_farm.objective import levels, objective_of, value
from woaas_solver_farm.problem import Job, Operator, Problem
from woaas_solver_farm.result import Assignment, Metrics, Result, Unplaced

from .answers import Answer, Refusal
from .figures import Figures
from .floor import Floor, Spot
from .loading import given_spot, load
from .places import Search, find
from .refusals import why_not
from .repair import Repair, Stuck
from .shop import OUTSIDE, Shop
from .telling import Teller
from .worth import Worth

# So many operations are pushed to the right before the others go into gaps: nobody wants that much unrest for one.
_PATIENCE_OF_RUSH = 3
_PATIENCE_OF_MOVE = 20
_PATIENCE_OF_REPAIR = 500


def _nobody(_operation: int) -> bool:
    """Nobody may be moved."""
    return False


class Plan(NamedTuple):
    """The whole plan as the checker takes it."""

    problem: Problem
    result: Result


class Standing:
    """A plan that answers what would come of a change, and keeps the change if told to.

    Operations whose problem gives their place, and those that start before ``frozen_until``, never move; ``pinned``
    ones only by a move of their own. Nothing is put before ``now``. Not safe for several threads at once.
    """

    def __init__(
        self,
        problem: Problem,
        places: Iterable[Assignment],
        *,
        now: int = 0,
        frozen_until: int | None = None,
        pinned: Iterable[tuple[str, str]] = (),
    ) -> None:

        self._objective = objective_of(problem)
        self.shop = Shop(problem)
        self.floor = Floor(self.shop, now=now)
        self.frozen_until = now if frozen_until is None else frozen_until
        self.pinned = {i for name in pinned if (i := self.shop.number.get(name)) is not None}
        self._figures = Figures(self.floor, problem.baseline)
        self._teller = Teller(self.floor, self._figures)
        self._worth = Worth(self.floor, self._figures, levels(self._objective)[0])
        load(self.floor, places)
        self._figures.settle()
        self.floor.journal.clear()

    @property
    def metrics(self) -> Metrics:
        """The plan's figures."""
        return self._figures.now

    def at(self, now: int, frozen_until: int) -> None:
        """Let time pass: what starts before ``frozen_until`` is frozen from here on."""
        self.floor.now = now
        self.frozen_until = frozen_until

    def plan(self) -> Plan:
        """The whole plan as it stands."""
        spots = self.floor.spots
        missing = [i for i, spot in enumerate(spots) if spot is None]
        result = Result(
            status="unknown" if missing else "feasible",
            objective=value(self._objective, self.metrics),
            bound=None,
            accepted=False,
            metrics=self.metrics,
            assignments=tuple(self._teller.assignment(i, spot) for i, spot in enumerate(spots) if spot is not None),
            overflow=tuple(Unplaced(job=j, operation=o, reason="no_room") for j, o in map(self._teller.name, missing)),
        )
        return Plan(self.shop.problem(), result)

    # --- questions -------------------------------------------------------------------------------------------------

    def insert(self, job: Job, *, rush: bool = False, keep: bool = False) -> Answer:
        """Where a new job would go: into gaps, or as a rush in front of others where that pays.

        A rush pushes others only as far as the lateness it saves weighs more, by the plan's objective, than what it
        costs them; without a due time it is wanted at once.
        """
        numbers = self.shop.add(job)
        self.floor.spots += [None] * len(numbers)
        mark = len(self.floor.journal)
        refusal = self._insert(numbers, rush=rush)
        answer = Answer(refusal=refusal) if refusal else self._teller.answer(mark, set(numbers))
        if refusal or not keep:
            self.floor.undo(mark)
            del self.floor.spots[numbers.start :]
            self.shop.take_away()
        else:
            self._keep(mark, answer)
        return answer

    def move(self, job: str, operation: str, machine: str, start: int, *, keep: bool = False) -> Answer:
        """What would come of putting an operation on a machine at a start; what is in the way is pushed."""
        i = self.shop.number.get((job, operation))
        if i is None:
            return Answer(refusal="unknown_operation")
        mark = len(self.floor.journal)
        refusal = self._move(i, machine, start)
        answer = self._closed(mark, {i}, refusal, keep=keep)
        if keep and not refusal:
            self.pinned.add(i)
        return answer

    def close(self, machine: str, start: int, end: int, *, keep: bool = False) -> Answer:
        """What a machine that is down in a window means: what lay there goes to other machines or waits."""
        m = self.shop.machine_number[machine]
        mark = len(self.floor.journal)
        before = self.shop.close(m, start, end)
        # Frozen or not: nobody can work there then. What runs is a fact.
        lies = [i for _, e, i in self.floor.sequence[m] if e > start and self._begins(i) < end]
        hit = {i for i in lies if not self.floor.is_given(i)}
        repair = Repair(self.floor, lambda i: i in hit or self._may_move(i), patience=_PATIENCE_OF_REPAIR)
        repair.flexible.update(hit)
        refusal: Refusal | None = None
        try:
            for i in lies:
                if i in hit:
                    repair.eject(i)
            repair.settle()
        except Stuck:
            refusal = "no_room"
        answer = self._closed(mark, set(), refusal, keep=keep)
        if refusal or not keep:
            self.shop.reopen(m, before)
        return answer

    def teach(self, operators: Sequence[Operator]) -> None:
        """Say anew what people can do, where a new job asks for skills that nobody asked for before."""
        self.shop.teach(operators)

    # --- facts -----------------------------------------------------------------------------------------------------

    def knows(self, job: str) -> bool:
        """Whether a job is in it."""
        return any(found.id == job for found in reversed(self.shop.jobs))

    def fill(self, jobs: Iterable[str]) -> None:
        """Give what has no place in these jobs the gaps that are left, one job after another; no place is no fault."""
        numbers = {job.id: j for j, job in enumerate(self.shop.jobs)}
        for j in (numbers[name] for name in jobs if name in numbers):
            operations = range(self.shop.first[j], self.shop.first[j + 1])
            missing = [i for i in self._in_order(operations) if self.floor.spots[i] is None]
            mark = len(self.floor.journal)
            if missing and all(self.shop.ways[i] for i in missing) and self._into_gaps(missing) is None:
                self._keep(mark, self._teller.answer(mark, set()))

    def drop(self, job: str, operation: str) -> bool:
        """Free the place of what is done or will not be done; False if there is none.

        The plan as a whole is then no longer one of its problem: only questions can be asked of it.
        """
        i = self.shop.number.get((job, operation))
        spot = None if i is None else self.floor.spots[i]
        if i is None or spot is None:
            return False
        mark = len(self.floor.journal)
        self.floor.put(i, None)
        self.floor.done[i] = min(spot.end, self.floor.now)
        self._keep(mark, self._teller.answer(mark, set()))
        return True

    def drop_job(self, job: str) -> None:
        """Free every place of a job."""
        for found in reversed(self.shop.jobs):
            if found.id == job:
                for operation in found.operations:
                    self.drop(job, operation.id)
                return

    # --- how -------------------------------------------------------------------------------------------------------

    def _may_move(self, i: int) -> bool:
        spot = self.floor.spots[i]
        if self.floor.is_given(i) or i in self.pinned:
            return False
        return spot is None or spot.start >= self.frozen_until

    def _begins(self, i: int) -> int:
        spot = self.floor.spots[i]
        assert spot is not None
        return spot.setup_start

    def _insert(self, numbers: range, *, rush: bool) -> Refusal | None:
        order = self._in_order(numbers)
        if any(not self.shop.ways[i] and not self.floor.is_given(i) for i in order):
            return "no_capable_resource"
        given = [i for i in order if self.floor.is_given(i)]
        mark = len(self.floor.journal)
        if given:
            repair = Repair(self.floor, self._may_move, patience=_PATIENCE_OF_MOVE)
            try:
                for i in given:
                    repair.pin(i, given_spot(self.floor, i))
                repair.settle()
            except Stuck:
                return "occupied"
            order = [i for i in order if not self.floor.is_given(i)]
            mark = len(self.floor.journal)
        refusal = self._into_gaps(order)
        if not rush or not order or (refusal is None and self._worth.lateness(order) <= 0):
            return refusal
        gaps = [self.floor.spots[i] for i in order]
        calm = self._worth.cost(self._teller.touched(mark), order) if refusal is None else float("inf")
        self.floor.undo(mark)
        pushed = self._in_front(order)
        if pushed is None and self._worth.cost(self._teller.touched(mark), order) <= calm:
            return None
        self.floor.undo(mark)
        if refusal is None:
            for i, spot in zip(order, gaps, strict=True):
                assert spot is not None
                Repair(self.floor, _nobody).pin(i, spot)
        return refusal

    def _into_gaps(self, order: Sequence[int]) -> Refusal | None:
        mark = len(self.floor.journal)
        for i in order:
            if not self._into_gap(i, self._gap(i)):
                self.floor.undo(mark)
                return "no_room"
        return None

    def _into_gap(self, i: int, spot: Spot | None) -> bool:
        if spot is None:
            return False
        try:
            Repair(self.floor, _nobody).pin(i, spot)
        except Stuck:
            return False
        return True

    def _in_front(self, order: Sequence[int]) -> Refusal | None:
        """Each operation in turn in front of others if what that saves is more than what it costs."""
        urgency = self._worth.urgency(order)
        for i in order:
            gap = self._gap(i)
            repair = Repair(self.floor, self._may_move, patience=_PATIENCE_OF_RUSH)
            repair.pinned.update(order)
            front = self._front(i, repair)
            if front is not None and (gap is None or front.end < gap.end):
                mark = len(self.floor.journal)
                worth = float("inf") if gap is None else (gap.end - front.end) * urgency
                repair.on_push = self._worth.toll(worth)
                try:
                    repair.pin(i, front)
                    repair.settle()
                    if self._worth.cost(self._teller.touched(mark), ()) < worth:
                        continue
                except Stuck:
                    pass
                self.floor.undo(mark)
            if not self._into_gap(i, gap):
                return "no_room"
        return None

    def _gap(self, i: int) -> Spot | None:
        earliest, latest = self.floor.earliest(i), self.floor.latest(i)
        return self._best(i, [find(self.floor, Search(i, w, earliest, latest)) for w in self._ways(i)])

    def _front(self, i: int, repair: Repair) -> Spot | None:
        earliest, latest = self.floor.earliest(i), self.floor.latest(i)
        searches = [Search(i, w, earliest, latest, repair.is_wall, takes_people=True) for w in self._ways(i)]
        return self._best(i, [find(self.floor, search) for search in searches])

    def _ways(self, i: int) -> list[int]:
        """The ways inside; the offer from outside only if there is none."""
        inside = [w for w, way in enumerate(self.shop.ways[i]) if way.machine != OUTSIDE]
        return inside or list(range(len(self.shop.ways[i])))

    def _best(self, i: int, found: Iterable[Spot | None]) -> Spot | None:
        spots = [spot for spot in found if spot is not None]
        return min(spots, key=lambda s: (s.end, s.need, self.shop.ways[i][s.way].cost), default=None)

    def _move(self, i: int, machine: str, start: int) -> Refusal | None:
        spot = self.floor.spots[i]
        if self.floor.is_given(i) or (spot is not None and spot.start < self.frozen_until):
            return "frozen"
        wanted = self.shop.machine_number.get(machine, -2)
        ways = [w for w, way in enumerate(self.shop.ways[i]) if way.machine == wanted]
        if not ways:
            return "wrong_machine"
        if start < max(self.floor.now, self.frozen_until):
            return "in_frozen_window"
        mark = len(self.floor.journal)
        refusal: Refusal | None = None
        for w in ways:
            for takes_people in (False, True):
                refusal = self._move_to(i, w, start, takes_people=takes_people)
                if refusal is None:
                    return None
                self.floor.undo(mark)
        return refusal

    def _move_to(self, i: int, way: int, start: int, *, takes_people: bool) -> Refusal | None:
        repair = Repair(self.floor, lambda other: other == i or self._may_move(other), patience=_PATIENCE_OF_MOVE)
        # What must be done before it cannot make room for it.
        repair.pinned.update(self._ancestors(i))
        try:
            if self.floor.spots[i] is not None:
                repair.eject(i)
            search = Search(i, way, start, self.floor.latest(i), repair.is_wall, takes_people=takes_people)
            earliest = self.floor.earliest(i)
            spot = find(self.floor, search) if start >= earliest else None
            if spot is None or spot.start != start:
                return why_not(self.floor, search, earliest)
            repair.pin(i, spot)
            repair.settle()
        except Stuck:
            return "blocked"
        return None

    def _ancestors(self, i: int) -> set[int]:
        found: set[int] = set()
        queue = [i]
        while queue:
            for before, _ in self.shop.before[queue.pop()]:
                if before not in found:
                    found.add(before)
                    queue.append(before)
        return found

    def _in_order(self, numbers: range) -> list[int]:
        waiting = {i: {b for b, _ in self.shop.before[i] if b in numbers} for i in numbers}
        order: list[int] = []
        while waiting:
            ready = [i for i, before in waiting.items() if before <= set(order)]
            order += ready
            for i in ready:
                del waiting[i]
        return order

    def _closed(self, mark: int, asked: set[int], refusal: Refusal | None, *, keep: bool) -> Answer:
        answer = Answer(refusal=refusal) if refusal else self._teller.answer(mark, asked)
        if refusal or not keep:
            self.floor.undo(mark)
        else:
            self._keep(mark, answer)
        return answer

    def _keep(self, mark: int, answer: Answer) -> None:
        assert answer.metrics is not None
        self._figures.keep(answer.metrics, [i for i, _ in self.floor.journal[mark:]])
        self.floor.journal.clear()
