"""Where an operation can go: the earliest place between the walls of its machine, with somebody able and the tools."""

from bisect import bisect_right
from typing import NamedTuple

from .floor import Floor, Spot, Wall, everything
from .hours import FAR, Hours
from .shop import OUTSIDE, Way

_TRIES = 8


class Search(NamedTuple):
    """What is looked for: an operation in one of its ways, its run not before ``earliest`` and over by ``latest``.

    ``wall`` says which places stay; people and tools of the others are taken from them only if ``takes_people``. Of
    people equally early the one it ``prefers`` is taken.
    """

    operation: int
    way: int
    earliest: int
    latest: int = FAR
    wall: Wall = everything
    takes_people: bool = False
    prefers: int = -1

    @property
    def holds_people(self) -> Wall:
        """Whose people and tools are not to be had."""
        return self.wall if self.takes_people else everything


def find(floor: Floor, search: Search) -> Spot | None:
    """The earliest place, or None."""
    way = floor.shop.ways[search.operation][search.way]
    if way.machine == OUTSIDE:
        end = search.earliest + way.duration
        return Spot(search.way, search.earliest, search.earliest, end, -1, 0) if end <= search.latest else None
    return _Gaps(floor, search, way).find()


class _Gaps:
    def __init__(self, floor: Floor, search: Search, way: Way) -> None:
        self.floor = floor
        self.search = search
        self.way_ = way
        self.sequence = floor.sequence[way.machine]
        self.run = floor.shop.run_hours(way)
        self.setting = floor.shop.machine_hours[way.machine]
        self.team = floor.shop.team(way) if way.runs or way.sets_up else []
        self.group = floor.shop.operations[search.operation].setup_group
        self.limit = search.latest

    def find(self) -> Spot | None:
        sequence, duration = self.sequence, self.way_.duration
        position = bisect_right(sequence, (self.search.earliest, FAR, FAR))
        free = self._free_from(position)
        last: tuple[int, int, int] | None = None
        if not duration:
            last = max((e for e in sequence[:position] if self.search.wall(e[2])), default=None)
        while free < self.search.latest:
            self.limit = self.search.latest
            position, spot = self._before_wall(position, free)
            if spot is not None:
                # Of two that take no time at the same tick the lower number counts as first, whoever was meant to be.
                entry = (spot.start, spot.end, self.search.operation)
                if last is not None and entry < last:
                    return find(self.floor, self.search._replace(earliest=spot.start + 1))
                if position == len(sequence) or entry < sequence[position]:
                    return spot
            if position == len(sequence):
                return None
            last = sequence[position]
            free = max(free, last[1])
            position += 1
        return None

    def _before_wall(self, position: int, free: int) -> tuple[int, Spot | None]:
        """The earliest place from ``free`` on that the next wall leaves room for, and where that wall is.

        Whoever is no wall is only looked at as far as the place reaches.
        """
        sequence, wall, spots = self.sequence, self.search.wall, self.floor.spots
        begin = max(free, self.search.earliest)
        spot: Spot | None = None
        is_placed = False
        while position < len(sequence):
            start, _, other = sequence[position]
            if wall(other):
                # Most gaps are too short whatever comes after them.
                room = start if begin + self.way_.duration <= start else -FAR
                if room > -FAR:
                    room = min(self.search.latest, self._room_before(position))
                if begin + self.way_.duration > room:
                    return position, None
                if not is_placed or (spot is not None and spot.end > room):
                    self.limit = room
                    spot = self._place(free)
                return position, spot
            if not is_placed:
                spot, is_placed = self._place(free), True
            ahead = spots[other]
            assert ahead is not None
            if spot is not None and ahead.setup_start >= spot.end and start > spot.start:
                return len(sequence), spot
            position += 1
        return position, spot if is_placed else self._place(free)

    def _free_from(self, position: int) -> int:
        free = self.floor.now
        for p in range(position - 1, -1, -1):
            if self.search.wall(self.sequence[p][2]):
                free = max(free, self.sequence[p][1])
                break
        # Given places may lie over each other, so the last to start need not be the last to end.
        for i in self.floor.given[self.way_.machine]:
            spot = self.floor.spots[i]
            if spot is not None and spot.start <= self.search.earliest:
                free = max(free, spot.end)
        return free

    def _room_before(self, position: int) -> int:
        """When a place before the wall at ``position`` must end, so that the set-ups after it still fit."""
        floor, machine = self.floor, self.way_.machine
        i = self.sequence[position][2]
        spot = floor.spots[i]
        assert spot is not None
        if self.group is None:
            return spot.setup_start
        fits = spot.setup_start
        for p in range(position, len(self.sequence)):
            i = self.sequence[p][2]
            group = floor.shop.operations[i].setup_group
            if group is None:
                continue
            spot = floor.spots[i]
            assert spot is not None
            way = floor.way(i, spot)
            if floor.is_given(i) and spot.start <= 0:
                break
            need = way.setup + floor.shop.changeover(machine, self.group, group)
            renewed = floor.with_setup(i, way, spot, need)
            if renewed is None:
                return -FAR
            if p == position:
                fits = renewed.setup_start
            elif renewed.setup_start < self.sequence[p - 1][1] and not floor.is_given(i):
                return -FAR
            break
        return fits

    # --- one gap ---------------------------------------------------------------------------------------------------

    def _place(self, free: int) -> Spot | None:
        """The earliest place after ``free``, its set-up after whatever is left before it."""
        looked = max(free, self.search.earliest)
        longest = 0
        for _ in range(_TRIES):
            position = self._before(looked)
            need = self.floor.need(self.search.operation, self.way_, position)
            spot = self._with_tools(free, need)
            if spot is None or self._before(spot.setup_start) == position:
                return spot
            longest = max(longest, need)
            looked = spot.setup_start
        return self._with_tools(free, longest)

    def _before(self, at: int) -> int:
        """The position of the last place that is over by ``at``."""
        position = bisect_right(self.sequence, (at, FAR, FAR)) - 1
        while position >= 0 and self.sequence[position][1] > at:
            position -= 1
        return position

    def _with_tools(self, free: int, need: int) -> Spot | None:
        begin, holds = free, self.search.holds_people
        while True:
            spot = self._with_operator(begin, need)
            if spot is None:
                return None
            again = begin
            for tool, pieces in self.way_.tools:
                again = max(again, self.floor.tool_wait(tool, pieces, spot.setup_start, spot.end, holds))
            if again <= spot.setup_start:
                return spot
            if again >= FAR:
                return None
            begin = again

    def _with_operator(self, free: int, need: int) -> Spot | None:
        way, sets_up = self.way_, self.way_.sets_up and need > 0
        alone = self._timed(free, self.search.earliest, need, self.run, self.setting)
        if alone is None or not (way.runs or sets_up):
            return alone
        best: Spot | None = None
        team = self.team
        if self.search.prefers in team:
            team = [self.search.prefers, *team]
        for operator in team:
            found = self._with(operator, free, need, alone.end if best is None else best.end, best is None)
            if found is not None:
                best = found
                if best.end == alone.end:
                    break
        return best

    def _with(self, operator: int, free: int, need: int, beat: int, is_first: bool) -> Spot | None:
        """The earliest place with one person; None if it does not beat what there is."""
        shop, way = self.floor.shop, self.way_
        hours = shop.operator_hours[operator]
        sets_up = way.sets_up and need > 0
        run = shop.both(self.run, hours) if way.runs else self.run
        setting = shop.both(self.setting, hours) if sets_up else self.setting
        busy, holds = self.floor.people[operator], self.search.holds_people
        length = (need if sets_up else 0) + (way.duration if way.runs else 0)
        since = -FAR
        while True:
            ready = max(free, since) if sets_up else free
            spot = self._timed(ready, max(self.search.earliest, since), need, run, setting)
            if spot is None or (not is_first and spot.end >= beat):
                return None
            begin, until = spot.setup_start if sets_up else spot.start, spot.end if way.runs else spot.start
            taken = busy.clash(begin, until, holds) if begin < until else -1
            if taken < 0:
                return Spot(spot.way, spot.setup_start, spot.start, spot.end, operator, need)
            after = busy.free_after(taken, length) if holds is everything else busy.spans[taken][1]
            since = max(since + 1, after)

    def _timed(self, free: int, earliest: int, need: int, run: Hours, setting: Hours) -> Spot | None:
        """The earliest run in the hours, set up as late as possible before it."""
        ready = setting.forward(free, need)[1] if need else free
        if ready >= FAR:
            return None
        duration = self.way_.duration
        if self.floor.shop.operations[self.search.operation].resumable:
            start, end = run.forward(max(ready, earliest), duration)
        else:
            start = run.fit(max(ready, earliest), duration)
            end = start + duration
        if start >= FAR or end > self.limit:
            return None
        begin = setting.back(start, need) if need else start
        return Spot(self.search.way, begin, start, end, -1, need)
