"""The plan in memory: made from a problem and its result, asked by insert, move and close."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from woaas_solver_farm.objective import levels, objective_of
from woaas_solver_farm.problem import Job, Operator, Problem
from woaas_solver_farm.result import Assignment, Metrics, Result, Unplaced

from .answers import Answer, JobChange, Moved, Refusal, Stay
from .figures import Figures, difference
from .floor import Floor, Spot
from .loading import given_spot, load
from .places import Search, find
from .refusals import why_not
from .repair import Repair, Stuck
from .shop import OUTSIDE, Shop

# So many operations are pushed to the right before the others go into gaps: nobody wants that much unrest for one.
_PATIENCE_OF_RUSH = 8
_PATIENCE_OF_MOVE = 60
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

    Operations whose problem gives their place, and those that start before ``frozen_until``, never move; nothing is
    put before ``now``. Not safe for several threads at once.
    """

    def __init__(
        self, problem: Problem, places: Iterable[Assignment], *, now: int = 0, frozen_until: int | None = None
    ) -> None:
        self._problem = problem
        self._goals = levels(objective_of(problem))[0]
        self.shop = Shop(problem)
        self.floor = Floor(self.shop, now=now)
        self.frozen_until = now if frozen_until is None else frozen_until
        self._figures = Figures(self.floor, problem.baseline)
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
            objective=None,
            bound=None,
            accepted=False,
            metrics=self.metrics,
            assignments=tuple(self._assignment(i, spot) for i, spot in enumerate(spots) if spot is not None),
            overflow=tuple(Unplaced(job=j, operation=o, reason="no_room") for j, o in map(self._name, missing)),
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
        answer = Answer(refusal=refusal) if refusal else self._answer(mark, set(numbers))
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
        return self._closed(mark, {i}, refusal, keep=keep)

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

    def drop(self, job: str, operation: str) -> bool:
        """Free the place of what is done or will not be done; False if there is none."""
        i = self.shop.number.get((job, operation))
        if i is None or self.floor.spots[i] is None:
            return False
        mark = len(self.floor.journal)
        self.floor.put(i, None)
        self._keep(mark, self._answer(mark, set()))
        return True

    # --- how -------------------------------------------------------------------------------------------------------

    def _may_move(self, i: int) -> bool:
        spot = self.floor.spots[i]
        return not self.floor.is_given(i) and (spot is None or spot.start >= self.frozen_until)

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
        if not rush or not order or (refusal is None and self._lateness(order) <= 0):
            return refusal
        gaps = [self.floor.spots[i] for i in order]
        calm = self._cost(mark, order) if refusal is None else float("inf")
        self.floor.undo(mark)
        pushed = self._in_front(order)
        if pushed is None and self._cost(mark, order) <= calm:
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
        urgency = self._urgency(order)
        for i in order:
            gap = self._gap(i)
            repair = Repair(self.floor, self._may_move, patience=_PATIENCE_OF_RUSH)
            repair.pinned.update(order)
            front = self._front(i, repair)
            if front is not None and (gap is None or front.end < gap.end):
                mark = len(self.floor.journal)
                worth = float("inf") if gap is None else (gap.end - front.end) * urgency
                repair.on_push = self._toll(worth)
                try:
                    repair.pin(i, front)
                    repair.settle()
                    if self._cost(mark, ()) < worth:
                        continue
                except Stuck:
                    pass
                self.floor.undo(mark)
            if not self._into_gap(i, gap):
                return "no_room"
        return None

    def _toll(self, worth: float) -> Callable[[int, Spot], None]:
        """Stops a push as soon as what it is known to cost others is more than it is worth."""
        ends: dict[int, int] = {}
        spent = 0.0
        change, tardy = self._goals.get("changes", 0.0), self._goals.get("weighted_tardiness") or 1.0

        def pay(i: int, spot: Spot) -> None:
            nonlocal spent
            j = self.shop.job_of[i]
            job = self.shop.jobs[j]
            known = ends.get(j, self._figures.ends[j] if j < len(self._figures.ends) else None)
            spent += change
            if job.due is not None and known is not None and spot.end > known:
                spent += job.weight * tardy * (max(job.due, spot.end) - max(job.due, known))
                ends[j] = spot.end
            if spent > worth:
                raise Stuck

        return pay

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
        if spot is not None and not self._may_move(i):
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
        repair = Repair(self.floor, self._may_move, patience=_PATIENCE_OF_MOVE)
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

    # --- what it costs ---------------------------------------------------------------------------------------------

    def _in_order(self, numbers: range) -> list[int]:
        waiting = {i: {b for b, _ in self.shop.before[i] if b in numbers} for i in numbers}
        order: list[int] = []
        while waiting:
            ready = [i for i, before in waiting.items() if before <= set(order)]
            order += ready
            for i in ready:
                del waiting[i]
        return order

    def _lateness(self, order: Sequence[int]) -> int:
        job = self.shop.jobs[self.shop.job_of[order[0]]]
        wanted = self.floor.now if job.due is None else job.due
        return max(spot.end for i in order if (spot := self.floor.spots[i]) is not None) - wanted

    def _urgency(self, order: Sequence[int]) -> float:
        weight = self.shop.jobs[self.shop.job_of[order[0]]].weight or 1.0
        return weight * (self._goals.get("weighted_tardiness") or 1.0)

    def _cost(self, mark: int, order: Sequence[int]) -> float:
        """What the changes since ``mark`` cost: the objective's first level, and the new job's own lateness."""
        before = self._touched(mark)
        looked = {self.shop.job_of[i] for i in before}
        own = {self.shop.job_of[i] for i in order}
        tardy, flow = 0.0, 0
        for j in looked - own:
            old = self._figures.state(j, lambda i: before.get(i, self.floor.spots[i]))
            new = self._figures.state(j, self.floor.spots.__getitem__)
            if old.end is not None and new.end is not None:
                tardy += old.weight * (new.tardiness - old.tardiness)
                flow += new.end - old.end
        setup = sum(s.need for i in before if (s := self.floor.spots[i]) is not None)
        setup -= sum(s.need for s in before.values() if s is not None)
        goals = self._goals
        cost = tardy * (goals.get("weighted_tardiness") or 1.0) + setup * goals.get("setup_time", 0.0)
        cost += flow * goals.get("flow_time", 0.0) + len(before) * goals.get("changes", 0.0)
        return cost + (max(0, self._lateness(order)) * self._urgency(order) if order else 0.0)

    # --- answers ---------------------------------------------------------------------------------------------------

    def _touched(self, mark: int) -> dict[int, Spot | None]:
        before: dict[int, Spot | None] = {}
        for i, spot in self.floor.journal[mark:]:
            before.setdefault(i, spot)
        return {i: spot for i, spot in before.items() if self.floor.spots[i] != spot}

    def _closed(self, mark: int, asked: set[int], refusal: Refusal | None, *, keep: bool) -> Answer:
        answer = Answer(refusal=refusal) if refusal else self._answer(mark, asked)
        if refusal or not keep:
            self.floor.undo(mark)
        else:
            self._keep(mark, answer)
        return answer

    def _answer(self, mark: int, asked: set[int]) -> Answer:
        before, spots = self._touched(mark), self.floor.spots
        metrics = self._figures.after(before)
        moved = [
            Moved(job=job, operation=operation, before=self._stay(i, old), after=None if new is None else self._stay(i, new))
            for i, old in sorted(before.items())
            if i not in asked and old is not None
            for new, (job, operation) in [(spots[i], self._name(i))]
            if new is None or not self._is_same(i, old, new)
        ]  # fmt: skip
        changes: list[JobChange] = []
        for j in sorted({self.shop.job_of[i] for i, old in before.items() if old is not None}):
            old_end = self._figures.state(j, lambda i: before.get(i, spots[i])).end
            new = self._figures.state(j, spots.__getitem__)
            if new.end != old_end:
                changes.append(JobChange(job=self.shop.jobs[j].id, due=new.due, before=old_end, after=new.end))
        return Answer(
            places=tuple(self._assignment(i, spot) for i in sorted(asked) if (spot := spots[i]) is not None),
            moved=tuple(moved),
            jobs=tuple(changes),
            metrics=metrics,
            delta=difference(metrics, self._figures.now),
        )

    def _keep(self, mark: int, answer: Answer) -> None:
        assert answer.metrics is not None
        self._figures.keep(answer.metrics, [i for i, _ in self.floor.journal[mark:]])
        self.floor.journal.clear()

    def _stay(self, i: int, spot: Spot) -> Stay:
        machine = self.floor.way(i, spot).machine
        return Stay(
            machine=None if machine == OUTSIDE else self.shop.machines[machine].id,
            operator=self.shop.operators[spot.operator].id if spot.operator >= 0 else None,
            setup_start=spot.setup_start if not self.floor.is_given(i) else spot.start,
            start=spot.start,
            end=spot.end,
        )

    def _is_same(self, i: int, one: Spot, other: Spot) -> bool:
        """Whether only the set-up differs."""
        machines = self.floor.way(i, one).machine == self.floor.way(i, other).machine
        return machines and (one.start, one.end, one.operator) == (other.start, other.end, other.operator)

    def _name(self, i: int) -> tuple[str, str]:
        return self.shop.jobs[self.shop.job_of[i]].id, self.shop.operations[i].id

    def _assignment(self, i: int, spot: Spot) -> Assignment:
        way, (job, operation) = self.floor.way(i, spot), self._name(i)
        is_outside = way.machine == OUTSIDE
        tools = () if is_outside or way.index is None else self.shop.operations[i].modes[way.index].tools
        return Assignment(
            job=job,
            operation=operation,
            machine=None if is_outside else self.shop.machines[way.machine].id,
            operator=self.shop.operators[spot.operator].id if spot.operator >= 0 else None,
            tools=tools,
            setup_start=spot.setup_start,
            start=spot.start,
            end=spot.end,
            outsourced=is_outside,
            mode=way.index,
        )
