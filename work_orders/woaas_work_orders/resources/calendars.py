"""Working calendars: weekly shifts and exceptions become the stretches of time in which somebody works.

Shifts are wall time of the calendar's zone. On the day clocks go forward a shift loses the skipped hour, on the day
they go back it gains one; a wall time that is skipped counts as the moment of the change.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=_Ordered)


def working_times(calendar: Mapping[str, Any], since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The working times of a calendar's body within ``[since, until)``, in order, overlapping shifts as one."""
    zone = ZoneInfo(calendar.get("time_zone", "UTC"))
    weekly: dict[int, list[tuple[str, str]]] = {}
    for shift in calendar.get("weekly", ()):
        weekly.setdefault(_DAYS.index(shift["day"]), []).append((shift["start"], shift["end"]))
    exceptions = {e["date"]: [(w["start"], w["end"]) for w in e["windows"]] for e in calendar.get("exceptions", ())}
    found: list[tuple[datetime, datetime]] = []
    # A night shift of the day before may reach into the first day.
    day = since.astimezone(zone).date() - _DAY
    while datetime(day.year, day.month, day.day, tzinfo=zone) < until:
        for start, end in exceptions.get(day.isoformat(), weekly.get(day.weekday(), ())):
            last = day if end > start else day + _DAY
            found.append((max(since, _instant(day, start, zone)), min(until, _instant(last, end, zone))))
        day += _DAY
    return merged(window for window in found if window[0] < window[1])


def merged(windows: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """The same time as windows in order that neither overlap nor touch."""
    out: list[tuple[T, T]] = []
    for start, end in sorted(windows):
        if out and not out[-1][1] < start:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


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
