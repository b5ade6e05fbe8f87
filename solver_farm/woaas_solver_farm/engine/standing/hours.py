"""Working time for single questions: windows to bisect, where the kernels have arrays."""

from bisect import bisect_left, bisect_right
from itertools import accumulate

from woaas_solver_farm.problem import Calendar

FAR = 2**60


class Hours:
    """One calendar; work of no length takes place at any time, as in the engine."""

    __slots__ = ("before", "done", "ends", "starts")

    def __init__(self, windows: Calendar) -> None:
        joined: list[tuple[int, int]] = []
        for start, end in windows:
            if joined and joined[-1][1] == start:
                joined[-1] = (joined[-1][0], end)
            elif start < end:
                joined.append((start, end))
        self.starts = [start for start, _ in joined]
        self.ends = [end for _, end in joined]
        self.done = list(accumulate(end - start for start, end in joined))
        self.before = [0, *self.done[:-1]]

    def windows(self) -> Calendar:
        """The windows, joined."""
        return tuple(zip(self.starts, self.ends, strict=True))

    def fit(self, at: int, work: int) -> int:
        """The first start at or after ``at`` of unbroken work; FAR if no window is long enough."""
        if not work:
            return at
        for w in range(bisect_right(self.ends, at), len(self.ends)):
            start = max(at, self.starts[w])
            if start + work <= self.ends[w]:
                return start
        return FAR

    def forward(self, at: int, work: int) -> tuple[int, int]:
        """First working tick at or after ``at``, and the end of work done from there across breaks."""
        if not work:
            return at, at
        w = bisect_right(self.ends, at)
        if w == len(self.ends):
            return FAR, FAR
        start = max(at, self.starts[w])
        target = self.before[w] + start - self.starts[w] + work
        last = bisect_left(self.done, target, w)
        if last == len(self.done):
            return FAR, FAR
        return start, self.starts[last] + target - self.before[last]

    def back(self, at: int, work: int) -> int:
        """The latest start from which the work is done by ``at``; -FAR if there is none."""
        if not work:
            return at
        w = bisect_left(self.starts, at) - 1
        if w < 0:
            return -FAR
        target = self.before[w] + min(at, self.ends[w]) - self.starts[w] - work
        if target < 0:
            return -FAR
        first = bisect_right(self.before, target, 0, w + 1) - 1
        return self.starts[first] + target - self.before[first]


ALWAYS = Hours(((-FAR, FAR),))


def common(one: Hours, other: Hours) -> Hours:
    """The time both work."""
    if other is ALWAYS or one is other:
        return one
    if one is ALWAYS:
        return other
    windows: list[tuple[int, int]] = []
    i = j = 0
    while i < len(one.starts) and j < len(other.starts):
        start, end = max(one.starts[i], other.starts[j]), min(one.ends[i], other.ends[j])
        if start < end:
            windows.append((start, end))
        if one.ends[i] < other.ends[j]:
            i += 1
        else:
            j += 1
    return Hours(tuple(windows))
