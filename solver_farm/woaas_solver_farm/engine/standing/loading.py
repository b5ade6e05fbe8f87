"""From a plan on paper to a floor: every place as told, and pushed where it can no longer be."""

from bisect import bisect_left
from collections.abc import Iterable

from woaas_solver_farm.result import Assignment

from .floor import Floor, Spot
from .hours import FAR
from .places import Search, find
from .repair import Repair, Stuck
from .shop import OUTSIDE

_PATIENCE = 2_000


def load(floor: Floor, places: Iterable[Assignment]) -> None:
    """Put every operation where the plan has it; what cannot be there is pushed to the right, else left out.

    Time may have passed since the plan was made, machines may have closed and people gone.
    """
    known = {(a.job, a.operation): a for a in places}
    try:
        _push(floor, known)
    except Stuck:
        floor.undo(0)
        _dispatch(floor, known)


def _push(floor: Floor, known: dict[tuple[str, str], Assignment]) -> None:
    shop = floor.shop
    repair = Repair(floor, lambda i: not floor.is_given(i), patience=_PATIENCE)
    for i, operation in enumerate(shop.operations):
        told = known.get((shop.jobs[shop.job_of[i]].id, operation.id))
        if floor.is_given(i):
            floor.put(i, given_spot(floor, i))
        elif told is not None and shop.ways[i]:
            spot = _told(floor, i, told)
            if spot is not None:
                floor.put(i, spot)
            else:
                # It may not be done there any more: anywhere else will do, from that time on.
                repair.flexible.add(i)
                repair.want(i, Spot(0, told.start, told.start, told.end, -1, 0))
    _set_up(floor)
    for _, i in sorted((spot.start, i) for i, spot in enumerate(floor.spots) if spot is not None):
        if not floor.is_given(i) and floor.spots[i] is not None and not _holds(floor, i):
            repair.eject(i)
    repair.settle(loses=True)


def _dispatch(floor: Floor, known: dict[tuple[str, str], Assignment]) -> None:
    """Every operation in the order of the plan, at the first place that is free from its start there on."""
    shop = floor.shop
    told: list[tuple[int, int]] = []
    for i, operation in enumerate(shop.operations):
        place = known.get((shop.jobs[shop.job_of[i]].id, operation.id))
        if floor.is_given(i):
            floor.put(i, given_spot(floor, i))
        elif place is not None:
            told.append((place.start, i))
    _set_up(floor)
    left = {i for _, i in told}
    for start, i in sorted(told):
        if any(before in left or floor.spots[before] is None for before, _ in shop.before[i]):
            continue
        earliest = max(start, floor.earliest(i))
        found = [find(floor, Search(i, w, earliest, floor.latest(i))) for w in range(len(shop.ways[i]))]
        spot = min((s for s in found if s is not None), key=lambda s: s.end, default=None)
        left.discard(i)
        if spot is not None:
            floor.put(i, spot)
            if floor.way(i, spot).machine != OUTSIDE and floor.renew_setups(i, floor.way(i, spot).machine, spot):
                floor.put(i, None)


def given_spot(floor: Floor, i: int) -> Spot:
    """The place that the problem fixes."""
    shop, fixed = floor.shop, floor.shop.operations[i].fixed
    assert fixed is not None
    machine = shop.machine_number[fixed.machine]
    way = next(w for w, found in enumerate(shop.ways[i]) if found.machine == machine)
    operator = -1 if fixed.operator is None else shop.operator_number[fixed.operator]
    return Spot(way, fixed.start, fixed.start, fixed.end, operator, 0)


def _told(floor: Floor, i: int, told: Assignment) -> Spot | None:
    shop = floor.shop
    machine = OUTSIDE if told.outsourced else shop.machine_number.get(told.machine or "", -2)
    ways = [w for w, way in enumerate(shop.ways[i]) if way.machine == machine]
    meant = [w for w in ways if told.mode in (None, shop.ways[i][w].mode)]
    if not ways:
        return None
    operator = shop.operator_number.get(told.operator or "", -1)
    return Spot((meant or ways)[0], told.setup_start, told.start, told.end, operator, 0)


def _set_up(floor: Floor) -> None:
    """Work out every set-up from the sequences."""
    for sequence in floor.sequence:
        for position, (_, _, i) in enumerate(list(sequence)):
            spot = floor.spots[i]
            assert spot is not None
            way = floor.way(i, spot)
            need = floor.need(i, way, position - 1)
            if floor.is_given(i):
                begin = spot.start - need
            else:
                begin = floor.setup_hours(i, way, spot.operator).back(spot.start, need)
            floor.put(i, spot._replace(need=need, setup_start=max(begin, -FAR // 2)))


def _holds(floor: Floor, i: int) -> bool:
    """Whether a place can be as things are now."""
    spot = floor.spots[i]
    assert spot is not None
    way, shop = floor.way(i, spot), floor.shop
    if spot.start < floor.earliest(i) or spot.end > floor.latest(i):
        return False
    if any(floor.spots[before] is None for before, _ in shop.before[i]):
        return False
    if way.machine == OUTSIDE:
        return spot.end - spot.start == way.duration
    sequence = floor.sequence[way.machine]
    position = bisect_left(sequence, (spot.start, spot.end, i))
    free = max(floor.now, max((end for _, end, _ in sequence[max(0, position - 3) : position]), default=0))
    if spot.setup_start < free or any(
        found.start < spot.end and found.end > spot.setup_start
        for other in floor.given[way.machine]
        if (found := floor.spots[other]) is not None
    ):
        return False
    return _has_time(floor, i, spot) and _has_people(floor, i, spot)


def _has_time(floor: Floor, i: int, spot: Spot) -> bool:
    way, shop = floor.way(i, spot), floor.shop
    hours = shop.run_hours(way)
    if way.runs and spot.operator >= 0:
        hours = shop.both(hours, shop.operator_hours[spot.operator])
    if shop.operations[i].resumable:
        return hours.forward(spot.start, way.duration) == (spot.start, spot.end)
    return hours.fit(spot.start, way.duration) == spot.start and spot.end - spot.start == way.duration


def _has_people(floor: Floor, i: int, spot: Spot) -> bool:
    way = floor.way(i, spot)

    def others(other: int) -> bool:
        return other != i

    needs_somebody = way.runs or (way.sets_up and spot.need > 0)
    if needs_somebody and spot.operator not in floor.shop.team(way):
        return False
    if spot.operator >= 0 and floor.people[spot.operator].over(*floor.held(i, way, spot), others):
        return False
    return all(
        floor.tool_wait(tool, pieces, spot.setup_start, spot.end, others) <= spot.setup_start
        for tool, pieces in way.tools
    )
