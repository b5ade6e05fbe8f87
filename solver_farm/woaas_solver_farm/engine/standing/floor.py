"""Who is where: every place of a plan on its machine, with its people and tools; each change can be taken back."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import NamedTuple

from .hours import FAR, Hours
from .shop import OUTSIDE, Shop, Way

Wall = Callable[[int], bool]
"""Whether a place stays where it is; what is no wall may be pushed."""


def everything(_operation: int) -> bool:
    """All places are walls: nobody is moved."""
    return True


class Spot(NamedTuple):
    """A place: ``way`` counts the operation's ways, ``need`` is its set-up after what is before it."""

    way: int
    setup_start: int
    start: int
    end: int
    operator: int
    need: int


class Busy:
    """The spans of one person or tool as ``(begin, until, operation, pieces)``."""

    __slots__ = ("longest", "spans")

    def __init__(self) -> None:
        self.spans: list[tuple[int, int, int, int]] = []
        self.longest = 0

    def add(self, begin: int, until: int, operation: int, pieces: int = 1) -> None:
        """Book a span; one without length holds nothing."""
        if begin < until:
            insort(self.spans, (begin, until, operation, pieces))
            self.longest = max(self.longest, until - begin)

    def drop(self, begin: int, until: int, operation: int, pieces: int = 1) -> None:
        """Take a booked span away."""
        if begin < until:
            del self.spans[bisect_left(self.spans, (begin, until, operation, pieces))]

    def clash(self, begin: int, until: int, wall: Wall) -> int:
        """The position of the first span of a wall that shares time with ``[begin, until)``, or -1."""
        spans = self.spans
        for position in range(bisect_left(spans, (begin - self.longest,)), len(spans)):
            span = spans[position]
            if span[0] >= until:
                return -1
            if span[1] > begin and (wall is everything or wall(span[2])):
                return position
        return -1

    def free_after(self, position: int, length: int) -> int:
        """The first tick after a span from which nothing is booked for so long."""
        spans = self.spans
        until = spans[position][1]
        for begin, end, _, _ in spans[position + 1 :]:
            if begin - until >= length:
                break
            until = max(until, end)
        return until

    def over(self, begin: int, until: int, wall: Wall) -> list[tuple[int, int, int, int]]:
        """The spans of walls that share time with ``[begin, until)``."""
        if begin >= until:
            return []
        low = bisect_left(self.spans, (begin - self.longest,))
        high = bisect_left(self.spans, (until,), low)
        return [s for s in self.spans[low:high] if s[1] > begin and wall(s[2])]


class Floor:
    """The places. ``now`` is the first tick anything may still be put at."""

    def __init__(self, shop: Shop, *, now: int = 0) -> None:
        self.shop = shop
        self.now = now
        self.spots: list[Spot | None] = [None] * len(shop.operations)
        self.sequence: list[list[tuple[int, int, int]]] = [[] for _ in shop.machines]
        self.people = [Busy() for _ in shop.operators]
        self.tools = [Busy() for _ in shop.tool_counts]
        self.given: list[list[int]] = [[] for _ in shop.machines]
        self.journal: list[tuple[int, Spot | None]] = []
        # Operations that need no place any more, with when they were over.
        self.done: dict[int, int] = {}

    # --- changing --------------------------------------------------------------------------------------------------

    def put(self, i: int, spot: Spot | None) -> None:
        """Give an operation a place, or none; set-ups of others are not touched."""
        before = self.spots[i]
        self.journal.append((i, before))
        if before is not None:
            self._unbook(i, before)
        self.spots[i] = spot
        if spot is not None:
            self._book(i, spot)

    def undo(self, mark: int) -> None:
        """Take back every change since the journal had ``mark`` entries."""
        while len(self.journal) > mark:
            i, before = self.journal[-1]
            self.put(i, before)
            del self.journal[-2:]

    def way(self, i: int, spot: Spot) -> Way:
        """How an operation is done at a place."""
        return self.shop.ways[i][spot.way]

    def is_given(self, i: int) -> bool:
        """Whether the problem fixes the place."""
        return self.shop.operations[i].fixed is not None

    def _book(self, i: int, spot: Spot) -> None:
        way = self.way(i, spot)
        if way.machine == OUTSIDE:
            return
        insort(self.sequence[way.machine], (spot.start, spot.end, i))
        if self.is_given(i):
            self.given[way.machine].append(i)
        if spot.operator >= 0:
            self.people[spot.operator].add(*self.held(i, way, spot), i)
        for tool, pieces in way.tools:
            self.tools[tool].add(spot.start if self.is_given(i) else spot.setup_start, spot.end, i, pieces)

    def _unbook(self, i: int, spot: Spot) -> None:
        way = self.way(i, spot)
        if way.machine == OUTSIDE:
            return
        sequence = self.sequence[way.machine]
        del sequence[bisect_left(sequence, (spot.start, spot.end, i))]
        if self.is_given(i):
            self.given[way.machine].remove(i)
        if spot.operator >= 0:
            self.people[spot.operator].drop(*self.held(i, way, spot), i)
        for tool, pieces in way.tools:
            self.tools[tool].drop(spot.start if self.is_given(i) else spot.setup_start, spot.end, i, pieces)

    def held(self, i: int, way: Way, spot: Spot) -> tuple[int, int]:
        """The time a place takes of its operator."""
        if self.is_given(i):
            return spot.start, spot.end
        begin = spot.setup_start if way.sets_up and spot.need else spot.start
        return begin, spot.end if way.runs else spot.start

    # --- set-ups ---------------------------------------------------------------------------------------------------

    def need(self, i: int, way: Way, position: int) -> int:
        """The set-up of an operation that comes after the one at ``position`` of its machine's sequence."""
        fixed = self.shop.operations[i].fixed
        if fixed is not None and fixed.start <= 0:
            return 0
        group = self.group_after(way.machine, position)
        return way.setup + self.shop.changeover(way.machine, group, self.shop.operations[i].setup_group)

    def group_after(self, machine: int, position: int) -> str | None:
        """What a machine is set up for after the operation at ``position``."""
        sequence, operations = self.sequence[machine], self.shop.operations
        while position >= 0:
            group = operations[sequence[position][2]].setup_group
            if group is not None:
                return group
            position -= 1
        return self.shop.machines[machine].initial_setup_group

    def setup_hours(self, i: int, way: Way, operator: int) -> Hours:
        """When a set-up can be done."""
        found = self.shop.machine_hours[way.machine]
        if way.sets_up and operator >= 0:
            found = self.shop.both(found, self.shop.operator_hours[operator])
        return found

    def renew_setups(self, i: int, machine: int, spot: Spot) -> list[int]:
        """Bring the set-ups up to date of what follows a place just taken or left; returns those that no longer fit."""
        sequence = self.sequence[machine]
        position = bisect_right(sequence, (spot.start, spot.end, i))
        broken: list[int] = []
        while position < len(sequence):
            after = sequence[position][2]
            if not self._renew(after, machine, position):
                broken.append(after)
            if self.shop.operations[after].setup_group is not None:
                break
            position += 1
        return broken

    def _renew(self, i: int, machine: int, position: int) -> bool:
        spot = self.spots[i]
        assert spot is not None
        way = self.way(i, spot)
        need = self.need(i, way, position - 1)
        free = self.sequence[machine][position - 1][1] if position else -FAR
        given_before = position > 0 and self.is_given(self.sequence[machine][position - 1][2])
        if need == spot.need and (spot.setup_start >= free or (given_before and self.is_given(i))):
            return True
        renewed = self.with_setup(i, way, spot, need)
        if renewed is None or (renewed.setup_start < free and not (given_before and self.is_given(i))):
            return False
        self.put(i, renewed)
        return True

    def with_setup(self, i: int, way: Way, spot: Spot, need: int) -> Spot | None:
        """The same place with another set-up before it, or None where people or tools have no time for it."""
        if self.is_given(i):
            return spot._replace(need=need, setup_start=spot.start - need)
        if need and way.sets_up and spot.operator < 0:
            return None
        begin = self.setup_hours(i, way, spot.operator).back(spot.start, need) if need else spot.start
        if begin < min(self.now, spot.setup_start) or begin < 0:
            return None
        changed = spot._replace(need=need, setup_start=begin)
        if begin >= spot.setup_start and spot.need:
            return changed

        def others(operation: int) -> bool:
            return operation != i

        if spot.operator >= 0 and self.people[spot.operator].over(*self.held(i, way, changed), others):
            return None
        if any(self.tool_wait(tool, pieces, begin, spot.end, others) > begin for tool, pieces in way.tools):
            return None
        return changed

    # --- looking ---------------------------------------------------------------------------------------------------

    def earliest(self, i: int) -> int:
        """The first tick at which the run may start, by release and by what must be done before."""
        found = max(self.now, self.shop.jobs[self.shop.job_of[i]].release, self.shop.operations[i].release)
        for before, lag in self.shop.before[i]:
            spot = self.spots[before]
            if spot is not None:
                found = max(found, spot.end + lag)
        return found

    def latest(self, i: int) -> int:
        """The last tick at which it may end: its deadline, and places given to what comes after it."""
        deadline = self.shop.jobs[self.shop.job_of[i]].deadline
        found = FAR if deadline is None else deadline
        for after in self.shop.after[i]:
            fixed = self.shop.operations[after].fixed
            if fixed is not None:
                found = min(found, fixed.start - next(lag for before, lag in self.shop.before[after] if before == i))
        return found

    def tool_wait(self, tool: int, pieces: int, start: int, end: int, wall: Wall) -> int:
        """``start`` if so many pieces are free for ``[start, end)``, else a later time at which to look again."""
        count = self.shop.tool_counts[tool]
        if pieces > count:
            return FAR
        spans = self.tools[tool].over(start, end, wall)
        if sum(span[3] for span in spans) + pieces <= count:
            return start
        for moment in [start, *(span[0] for span in spans if span[0] > start)]:
            used = [span for span in spans if span[0] <= moment < span[1]]
            if sum(span[3] for span in used) + pieces > count:
                return min(span[1] for span in used)
        return start
