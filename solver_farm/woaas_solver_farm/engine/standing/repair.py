"""Pushing: who is in the way of a place goes to the right, as little as calendars, people, tools and set-ups allow.

What is pushed keeps its order on the machine. The one that starts first is settled first, and only what starts later
makes room for it; so every operation is settled once, but for rare set-ups that grow when a neighbour leaves. In a
dense plan a push would go on to its end: a gap that is hardly later is taken instead, and after so many pushes any gap.
"""

from bisect import bisect_left
from collections.abc import Callable
from heapq import heappop, heappush

from .floor import Floor, Spot, everything
from .hours import FAR
from .places import Search, find
from .shop import OUTSIDE

# A gap that ends no more than this later than the push does is preferred: it moves nobody else.
_HARDLY_LATER = 60


class Stuck(Exception):
    """There is no room for what would have to be pushed."""


class Repair:
    """One change to a floor and all that follows from it.

    ``may_move`` says what may be pushed at all; after ``patience`` pushes what is left goes into gaps. ``flexible``
    operations may change machines.
    """

    def __init__(self, floor: Floor, may_move: Callable[[int], bool], *, patience: int = FAR) -> None:
        self.floor = floor
        self.flexible: set[int] = set()
        self.pinned: set[int] = set()
        self.lost: set[int] = set()
        # Told of every push; it may raise Stuck when enough is enough.
        self.on_push: Callable[[int, Spot], None] = lambda _i, _spot: None
        self._may_move = may_move
        self._patience = patience
        self._settled: set[int] = set()
        self._pending: dict[int, Spot] = {}
        self._keys: dict[int, tuple[int, int, int]] = {}
        self._heap: list[tuple[int, int, int]] = []

    def is_wall(self, i: int) -> bool:
        """Whether a rush may not push it."""
        return i in self.pinned or not self._may_move(i)

    def pin(self, i: int, spot: Spot) -> None:
        """Put an operation in its place for good; whoever is in the way has to be settled.

        Raises:
            Stuck: somebody in the way may not move.
        """
        self._pending.pop(i, None)
        if self.floor.spots[i] is not None:
            self._lift(i)
        self.pinned.add(i)
        self._put(i, spot)

    def want(self, i: int, spot: Spot) -> None:
        """Let ``settle`` find a place for an operation that has none, not before ``spot``."""
        self._pending[i] = spot
        heappush(self._heap, self._keys.setdefault(i, (spot.start, spot.end, i)))

    def eject(self, i: int) -> None:
        """Take an operation from its place; ``settle`` finds it another.

        Raises:
            Stuck: it may not move.
        """
        if i in self._pending or self.floor.spots[i] is None:
            return
        if self.is_wall(i):
            raise Stuck
        spot = self._lift(i)
        key = self._keys.setdefault(i, (spot.start, spot.end, i))
        self._pending[i] = spot
        self._settled.discard(i)
        heappush(self._heap, key)

    def settle(self, *, loses: bool = False) -> None:
        """Give everything ejected a new place; what finds none is ``lost`` if that is allowed.

        Raises:
            Stuck: there is none.
        """
        while self._heap:
            key = heappop(self._heap)
            i = key[2]
            # What still waits for one before it is looked at again when that one has a place.
            if i not in self._pending or any(before in self._pending for before, _ in self.floor.shop.before[i]):
                continue
            old = self._pending[i]
            spot = self._found(i, old, key)
            if spot is None:
                if not loses:
                    raise Stuck
                self._lose(i)
                continue
            del self._pending[i]
            self._settled.add(i)
            self.on_push(i, spot)
            self._put(i, spot)
            for after in self.floor.shop.after[i]:
                if after in self._pending:
                    heappush(self._heap, self._keys[after])

    def _found(self, i: int, old: Spot, key: tuple[int, int, int]) -> Spot | None:
        def wall(other: int) -> bool:
            return other in self._settled or self.is_wall(other) or self._key(other) < key

        if any(before in self.lost for before, _ in self.floor.shop.before[i]):
            return None
        earliest, latest = max(self.floor.earliest(i), old.start), self.floor.latest(i)
        search = Search(i, old.way, earliest, latest, wall, prefers=old.operator)
        best = find(self.floor, search) if self._patience > 0 else None
        if best is None or self._in_the_way(i, best):
            gap = find(self.floor, search._replace(wall=everything))
            if best is None or (gap is not None and gap.end <= best.end + _HARDLY_LATER):
                best = gap
            else:
                self._patience -= 1
        if i in self.flexible:
            for w, way in enumerate(self.floor.shop.ways[i]):
                if w != old.way and way.machine != OUTSIDE:
                    spot = find(self.floor, Search(i, w, earliest, latest, everything))
                    if spot is not None and (best is None or spot.end < best.end):
                        best = spot
        return best

    def _key(self, i: int) -> tuple[int, int, int]:
        known = self._keys.get(i)
        if known is not None:
            return known
        spot = self.floor.spots[i]
        assert spot is not None
        return spot.start, spot.end, i

    def _lift(self, i: int) -> Spot:
        spot = self.floor.spots[i]
        assert spot is not None
        self.floor.put(i, None)
        self._renew(i, spot)
        return spot

    def _put(self, i: int, spot: Spot) -> None:
        for other in self._in_the_way(i, spot):
            self.eject(other)
        # With them gone, something else may be before it on the machine.
        way = self.floor.way(i, spot)
        if way.machine != OUTSIDE:
            position = bisect_left(self.floor.sequence[way.machine], (spot.start, spot.end, i)) - 1
            need = self.floor.need(i, way, position)
            if need != spot.need:
                spot = self._with_need(i, spot, need)
        self.floor.put(i, spot)
        self._renew(i, spot)
        for after in self.floor.shop.after[i]:
            later = self.floor.spots[after]
            if later is None or (self.floor.is_given(after) and self.floor.is_given(i)):
                continue
            lag = max(lag for before, lag in self.floor.shop.before[after] if before == i)
            if later.start < spot.end + lag:
                self.eject(after)

    def _with_need(self, i: int, spot: Spot, need: int) -> Spot:
        """The same place with the set-up it turned out to need; a longer time than that does no harm."""
        if need <= spot.need:
            return spot._replace(need=need)
        changed = self.floor.with_setup(i, self.floor.way(i, spot), spot, need)
        if changed is None or self._in_the_way(i, changed):
            raise Stuck
        return changed

    def _renew(self, i: int, spot: Spot) -> None:
        way = self.floor.way(i, spot)
        if way.machine != OUTSIDE:
            for broken in self.floor.renew_setups(i, way.machine, spot):
                self.eject(broken)

    def _in_the_way(self, i: int, spot: Spot) -> list[int]:
        floor, way = self.floor, self.floor.way(i, spot)
        if way.machine == OUTSIDE:
            return []
        given = floor.is_given(i)
        found: list[int] = []
        sequence = floor.sequence[way.machine]
        position = max(bisect_left(sequence, (spot.end, -FAR)), bisect_left(sequence, (spot.start, spot.end, i))) - 1
        while position >= 0:
            _, end, other = sequence[position]
            if end > spot.setup_start and other != i:
                found.append(other)
            elif not floor.is_given(other):
                break
            position -= 1

        def others(other: int) -> bool:
            return other != i

        if spot.operator >= 0:
            found += [s[2] for s in floor.people[spot.operator].over(*floor.held(i, way, spot), others)]
        begin = spot.start if given else spot.setup_start
        for tool, pieces in way.tools:
            if floor.tool_wait(tool, pieces, begin, spot.end, others) > begin:
                spans = floor.tools[tool].over(begin, spot.end, others)
                found += [s[2] for s in spans if not self.is_wall(s[2]) or s[2] in self._pending]
        return [other for other in found if not (given and floor.is_given(other))]

    def _lose(self, i: int) -> None:
        """Leave an operation without a place, and with it whatever comes after."""
        del self._pending[i]
        self.lost.add(i)
        for after in self.floor.shop.after[i]:
            if self.floor.is_given(after):
                continue
            if self.floor.spots[after] is not None:
                self.eject(after)
            if after in self._pending:
                heappush(self._heap, self._keys[after])
