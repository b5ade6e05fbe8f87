"""Working calendars as the solver reads them: windows ``[start, end)`` in ticks."""

from collections.abc import Mapping
from typing import Any

from woaas_solver_farm.horizon import Horizon
from woaas_work_orders.resources.calendars import merged, working_times

Windows = tuple[tuple[int, int], ...]


def working_windows(calendar: Mapping[str, Any], horizon: Horizon, *, beyond: int) -> Windows:
    """The working windows of a calendar's body over the horizon and as many ticks again as ``beyond`` says.

    Late work is placed after the horizon, so the windows must go on there.
    """
    times = working_times(calendar, horizon.start_at, horizon.at(horizon.ticks + beyond))
    ticks = ((horizon.ceil(start), horizon.floor(end)) for start, end in times)
    return tuple(merged(window for window in ticks if window[0] < window[1]))


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
