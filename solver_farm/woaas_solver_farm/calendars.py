"""Working calendars as the solver reads them: weekly shifts and exceptions become windows ``[start, end)`` in ticks.

Shifts are wall time of the calendar's zone. On the day clocks go forward a shift loses the skipped hour, on the day
they go back it gains one; a wall time that is skipped counts as the moment of the change.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from woaas_solver_farm.horizon import Horizon

Windows = tuple[tuple[int, int], ...]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


def working_windows(calendar: Mapping[str, Any], horizon: Horizon, *, beyond: int) -> Windows:
    """The working windows of a calendar's body over the horizon and as many ticks again as ``beyond`` says.

    Late work is placed after the horizon, so the windows must go on there. Overlapping shifts are merged.
    """
    zone = ZoneInfo(calendar.get("time_zone", "UTC"))
    end_at = horizon.at(horizon.ticks + beyond)
    weekly: dict[int, list[tuple[str, str]]] = {}
    for shift in calendar.get("weekly", ()):
        weekly.setdefault(_DAYS.index(shift["day"]), []).append((shift["start"], shift["end"]))
    exceptions = {e["date"]: [(w["start"], w["end"]) for w in e["windows"]] for e in calendar.get("exceptions", ())}
    found: list[tuple[int, int]] = []
    # A night shift of the day before may reach into the first day.
    day = horizon.start_at.astimezone(zone).date() - _DAY
    while datetime(day.year, day.month, day.day, tzinfo=zone) < end_at:
        for start, end in exceptions.get(day.isoformat(), weekly.get(day.weekday(), ())):
            last = day if end > start else day + _DAY
            opens, closes = horizon.ceil(_instant(day, start, zone)), horizon.floor(_instant(last, end, zone))
            found.append((max(0, opens), min(horizon.ticks + beyond, closes)))
        day += _DAY
    return merged(w for w in found if w[0] < w[1])


def merged(windows: Iterable[tuple[int, int]]) -> Windows:
    """The same time as windows in order that neither overlap nor touch."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(windows):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)


def elapse(windows: Windows | None, start: int, work: int) -> int:
    """When work begun at ``start`` ends if it rests outside the windows; what does not fit goes on after the last."""
    if windows is None:
        return start + work
    end = start
    for opens, closes in windows:
        if closes <= start:
            continue
        begin = max(opens, start)
        if work <= closes - begin:
            return begin + work
        work -= closes - begin
        end = closes
    return end + work


def _instant(day: date, wall: str, zone: ZoneInfo) -> datetime:
    hours, minutes = (int(part) for part in wall.split(":"))
    if hours == 24:
        day, hours = day + _DAY, 0
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone)
    # PEP 495: a skipped wall time read with fold=0 lies after the change by as much as it is into the gap.
    at = local.astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return _change_in(zone, at - _DAY, at)
    return at


def _change_in(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The moment the zone's offset changes between two instants, to the minute."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(second=0, microsecond=0)
