"""The state of one tabu search: where it stands, what it remembers, and the good plans it has collected."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel

from .graph import Graph, load, new_graph
from .insertion import Without, new_without
from .shop import Shop

Ints = npt.NDArray[np.int64]

ELITES = 8
# Entries of the tabu list, a power of two: enough for all pairs of 2,048 operations.
_MOST_ARCS = 2**22
# Columns of ``counts``: iteration; makespan now, best ever and best since the last fresh start; iterations and fresh
# starts since those got better; how often the best did; elites filled.
ITERATION, NOW, BEST, LOCAL, STALE, BARREN, FOUND, FILLED = range(8)

# Columns of a move: operation, mode, the operation before it and its places before and after; then its worth.
OPERATION, MODE, AFTER, FROM, TO, MAKESPAN, THROUGH = range(7)


class Kept(NamedTuple):
    """Plans by row: the best ever, the best since the last fresh start, a fresh start, then the elites."""

    mode: Ints
    start: Ints
    makespan: Ints


BEST_ROW, LOCAL_ROW, FRESH_ROW, FIRST_ELITE = range(4)


class Walk(NamedTuple):
    """One search in progress; all its arrays change in place.

    ``arc_until[arc(...)]`` is the iteration until which a must not be put before b again, ``mode_until`` the one until
    which a mode must not be taken again. ``numbers`` is the random state.
    """

    graph: Graph
    without: Without
    path: Ints
    kept: Kept
    arc_until: npt.NDArray[np.int32]
    mode_until: Ints
    counts: Ints
    numbers: npt.NDArray[np.uint64]


@kernel
def arc(a: int, b: int, count: int, entries: int) -> int:
    """The entry of an arc from a to b among ``count`` operations; in large shops some arcs share one."""
    return (a * count + b) & (entries - 1)


def start_walk(shop: Shop, mode: Ints, order: Ints, seed: int) -> Walk:
    """A walk that stands at the plan of the modes in which operations are taken in the order given."""
    count = order.size
    graph = new_graph(shop)
    makespan = load(shop, graph, mode, np.argsort(order))
    rows = FIRST_ELITE + ELITES
    kept = Kept(np.zeros((rows, count), np.int64), np.zeros((rows, count), np.int64), np.zeros(rows, np.int64))
    for row in (BEST_ROW, LOCAL_ROW):
        kept.mode[row], kept.start[row], kept.makespan[row] = graph.mode, graph.head, makespan
    return Walk(
        graph=graph,
        without=new_without(count),
        path=np.zeros(count, np.int64),
        kept=kept,
        arc_until=np.zeros(min(_MOST_ARCS, 1 << (count * count - 1).bit_length()), np.int32),
        mode_until=np.zeros(shop.machine.size, np.int64),
        counts=np.array([0, makespan, makespan, makespan, 0, 0, 0, 0], np.int64),
        numbers=np.array([(seed * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) % 2**64 | 1], np.uint64),
    )


def stand_at(shop: Shop, walk: Walk, mode: Ints, order: Ints) -> None:
    """Let a walk go on from a plan found elsewhere; if better than its own, it is its best now."""
    walk.counts[NOW] = load(shop, walk.graph, mode, np.argsort(order))
    walk.counts[LOCAL] = 2**62
    walk.counts[STALE] = 0
    remember(walk)


@kernel
def remember(walk: Walk) -> None:
    """Keep the plan if it is the best ever, or since the last fresh start."""
    makespan = walk.counts[NOW]
    if makespan >= walk.counts[LOCAL]:
        return
    walk.counts[LOCAL] = makespan
    walk.counts[STALE] = 0
    _keep(walk, LOCAL_ROW)
    if makespan < walk.counts[BEST]:
        walk.counts[BEST] = makespan
        walk.counts[FOUND] += 1
        _keep(walk, BEST_ROW)


@kernel
def _keep(walk: Walk, row: int) -> None:
    g, kept = walk.graph, walk.kept
    kept.makespan[row] = walk.counts[NOW]
    for i in range(g.order.size):
        kept.mode[row, i], kept.start[row, i] = g.mode[i], g.head[i]
