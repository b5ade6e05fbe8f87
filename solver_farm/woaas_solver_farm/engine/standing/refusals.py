"""Why an operation cannot start where somebody wants it to."""

from .answers import Refusal
from .floor import Floor
from .hours import Hours
from .places import Search


def why_not(floor: Floor, search: Search, earliest: int) -> Refusal:
    """The first thing that forbids a run at ``search.earliest``; ``earliest`` is what release and predecessors say."""
    shop, i, start = floor.shop, search.operation, search.earliest
    way = shop.ways[i][search.way]
    if start < earliest:
        released = max(shop.jobs[shop.job_of[i]].release, shop.operations[i].release)
        return "before_release" if start < released else "before_predecessor"
    run = shop.run_hours(way)
    end = _end(run, floor, i, start, way.duration)
    if end is None:
        return "closed"
    if end > search.latest:
        return "after_deadline"
    if any(
        search.wall(other) and begins < end and until > start
        for begins, until, other in floor.sequence[way.machine]
        if other != i
    ):
        return "occupied"
    if any(floor.tool_wait(tool, pieces, start, end, search.holds_people) > start for tool, pieces in way.tools):
        return "no_tool"
    if way.runs or way.sets_up:
        able = [o for o in shop.team(way) if not way.runs or _works(floor, i, o, run, start, way.duration)]
        if not any(not floor.people[o].over(start, end, search.holds_people) for o in able):
            return "no_operator"
    return "occupied"


def _works(floor: Floor, i: int, operator: int, run: Hours, start: int, duration: int) -> bool:
    hours = floor.shop.both(run, floor.shop.operator_hours[operator])
    return _end(hours, floor, i, start, duration) is not None


def _end(hours: Hours, floor: Floor, i: int, start: int, duration: int) -> int | None:
    if floor.shop.operations[i].resumable:
        begins, end = hours.forward(start, duration)
    else:
        begins = hours.fit(start, duration)
        end = begins + duration
    return end if begins == start else None
