"""What no plan of a job shop can beat: the work some machines share, between its heads and tails.

For the operations that only a set of machines can do, and any part of them: smallest head, work over machines,
smallest tail. For a single machine that is Jackson's preemptive schedule (Carlier 1982).
"""

import numpy as np

from woaas_solver_farm.engine.bounds import earliest_ends
from woaas_solver_farm.engine.tables import Tables

_MOST_SETS, _MOST_HEADS = 64, 500


def makespan_bound(t: Tables) -> int:
    """The largest of these bounds over the sets of machines operations can choose from, and over all machines."""
    shortest = np.minimum.reduceat(t.duration, t.first_mode[:-1])
    heads = earliest_ends(t) - shortest
    choices = [frozenset(t.machine[a:b].tolist()) for a, b in zip(t.first_mode, t.first_mode[1:], strict=False)]
    sets = sorted({frozenset[int]().union(*choices), *choices}, key=lambda some: (len(some), sorted(some)))
    best = int((heads + shortest + t.tail).max())
    for machines in [*sets[: _MOST_SETS - 1], sets[-1]]:
        within = np.array([choice <= machines for choice in choices])
        best = max(best, _shared_work(heads[within], shortest[within], t.tail[within], len(machines)))
    return best


def _shared_work(
    heads: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    work: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    tails: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    machines: int,
) -> int:
    ranked = np.argsort(-tails, kind="stable")
    heads, work, tails = heads[ranked], work[ranked], tails[ranked]
    best = 0
    # Any choice of heads gives a bound; large shops have too many to try all.
    starts = np.unique(heads)
    for head in starts[:: -(-starts.size // _MOST_HEADS)]:
        late = heads >= head
        best = max(best, int(head + (-(-np.cumsum(work[late]) // machines) + tails[late]).max()))
    return best
