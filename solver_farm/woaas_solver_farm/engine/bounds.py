"""What no plan can beat: every job alone in an empty, always open plant that needs no set-up."""

import numpy as np

from .calendars import NEVER
from .tables import Tables


def lower_bound(t: Tables) -> float:
    """The first goal's value if every job took only its longest chain of shortest modes."""
    ends = earliest_ends(t)
    last = np.maximum.reduceat(ends, t.first_operation[:-1]) if ends.size else ends
    late = np.where(t.due >= NEVER, 0, np.maximum(0, last - t.due))
    least = [
        float(t.weight @ late),
        float(late.sum()),
        float((late > 0).sum()),
        float(last.max(initial=0)),
        0.0,
        float((last - t.job_release).sum()),
        0.0,
        0.0,
    ]
    return round(float(t.goals[0] @ np.array(least)), 6)


def earliest_ends(t: Tables) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """By operation, its end behind its longest chain of shortest modes."""
    count = t.job_of.size
    ends = np.zeros(count, np.int64)
    waiting = (t.first_pred[1:] - t.first_pred[:-1]).tolist()
    ready = [i for i in range(count) if not waiting[i]]
    while ready:
        i = ready.pop()
        start = int(t.release[i])
        for p in range(t.first_pred[i], t.first_pred[i + 1]):
            start = max(start, int(ends[t.pred[p]] + t.pred_lag[p]))
        durations = t.duration[t.first_mode[i] : t.first_mode[i + 1]]
        ends[i] = t.fixed_end[i] if t.fixed_mode[i] >= 0 else min(NEVER, start + int(durations.min(initial=NEVER)))
        for after in t.succ[t.first_succ[i] : t.first_succ[i + 1]].tolist():
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return ends
