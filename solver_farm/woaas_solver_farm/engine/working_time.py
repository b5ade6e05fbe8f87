"""The questions placement asks of a calendar: the next fit, work done forward and work counted back."""

from .calendars import NEVER
from .flat import WINDOW_BEFORE, WINDOW_END, WINDOW_FIRST, WINDOW_START, Flat, at
from .jit import kernel


@kernel
def window_at(t: Flat, c: int, time: int) -> int:
    """The index of the first window of calendar ``c`` that ends after ``time``; the calendar's end if none does."""
    low, high = at(t, WINDOW_FIRST, c), at(t, WINDOW_FIRST, c + 1)
    while low < high:
        middle = (low + high) // 2
        if at(t, WINDOW_END, middle) <= time:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def earliest_fit(t: Flat, c: int, time: int, duration: int) -> int:
    """The first start at or after ``time`` of unbroken work; NEVER if no window is long enough."""
    if c == 0 or duration == 0:
        return time
    for window in range(window_at(t, c, time), at(t, WINDOW_FIRST, c + 1)):
        start = max(time, at(t, WINDOW_START, window))
        if start + duration <= at(t, WINDOW_END, window):
            return start
    return NEVER


@kernel
def work_forward(t: Flat, c: int, time: int, work: int) -> tuple[int, int]:
    """First working tick at or after ``time``, and the end of ``work`` ticks done from there across breaks."""
    if c == 0 or work == 0:
        return time, time + work
    window = window_at(t, c, time)
    last = at(t, WINDOW_FIRST, c + 1)
    if window >= last:
        return NEVER, NEVER
    start = max(time, at(t, WINDOW_START, window))
    target = at(t, WINDOW_BEFORE, window) + start - at(t, WINDOW_START, window) + work
    while (
        window < last
        and at(t, WINDOW_BEFORE, window) + at(t, WINDOW_END, window) - at(t, WINDOW_START, window) < target
    ):
        window += 1
    if window >= last:
        return NEVER, NEVER
    return start, at(t, WINDOW_START, window) + target - at(t, WINDOW_BEFORE, window)


@kernel
def work_back(t: Flat, c: int, time: int, work: int) -> int:
    """The latest start from which ``work`` ticks are done by ``time``; -NEVER if there is none."""
    if c == 0 or work == 0:
        return time - work
    first = at(t, WINDOW_FIRST, c)
    window = window_at(t, c, time)
    done = (
        at(t, WINDOW_BEFORE, window - 1) + at(t, WINDOW_END, window - 1) - at(t, WINDOW_START, window - 1)
        if window > first
        else 0
    )
    if window < at(t, WINDOW_FIRST, c + 1) and at(t, WINDOW_START, window) < time:
        done = at(t, WINDOW_BEFORE, window) + time - at(t, WINDOW_START, window)
    target = done - work
    if target < 0:
        return -NEVER
    window = min(window, at(t, WINDOW_FIRST, c + 1) - 1)
    while window > first and at(t, WINDOW_BEFORE, window) > target:
        window -= 1
    return at(t, WINDOW_START, window) + target - at(t, WINDOW_BEFORE, window)
