"""Fresh starts for a search that has run dry: between two of its best plans (path relinking), or anywhere.

The way from one plan to another is walked by weights: sequences follow a mixture of both plans' starts. What comes
first in both comes first in every mixture, jobs' own orders included, so each point on the way is a plan.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.moves import random_below

from .graph import link, load, settle
from .insertion import copy_times, find_places, take_off
from .shop import Shop, setup_before
from .walk import (
    BARREN,
    BEST_ROW,
    ELITES,
    FILLED,
    FIRST_ELITE,
    FRESH_ROW,
    LOCAL,
    LOCAL_ROW,
    NOW,
    STALE,
    Kept,
    Walk,
)

Ints = npt.NDArray[np.int64]

_MOST_BARREN = 4 * ELITES
_NEARBY = 0.1


@kernel
def renew(shop: Shop, walk: Walk) -> None:
    """Offer the best plan since the last fresh start to the elites and start afresh."""
    counts, kept = walk.counts, walk.kept
    counts[BARREN] = 0 if _leads(walk) else counts[BARREN] + 1
    _admit(walk)
    if counts[FILLED] == ELITES and counts[BARREN] > _MOST_BARREN:
        # The elites have grown alike: only the best stays.
        _copy(kept, BEST_ROW, FIRST_ELITE)
        counts[FILLED], counts[BARREN] = 1, 0
    if counts[FILLED] < ELITES:
        random_plan(shop, walk)
        counts[NOW] = load(shop, walk.graph, kept.mode[FRESH_ROW], kept.start[FRESH_ROW])
    else:
        one = random_below(walk.numbers, ELITES)
        other = (one + 1 + random_below(walk.numbers, ELITES - 1)) % ELITES
        is_near = mix(walk, FIRST_ELITE + one, FIRST_ELITE + other)
        counts[NOW] = load(shop, walk.graph, kept.mode[FRESH_ROW], kept.start[FRESH_ROW])
        if is_near:
            shake(shop, walk, 5 + walk.path.size // 20)
    counts[LOCAL] = 2**62
    counts[STALE] = 0


@kernel
def random_plan(shop: Shop, walk: Walk) -> None:
    """A fresh start: operations in an order by lot, each where it ends first."""
    count = walk.path.size
    mode, start = walk.kept.mode[FRESH_ROW], walk.kept.start[FRESH_ROW]
    free, ready = np.zeros(shop.machines, np.int64), shop.release.copy()
    last = np.full(shop.machines, -1, np.int64)
    waiting, queue = np.empty(count, np.int64), np.empty(count, np.int64)
    top = 0
    for i in range(count):
        waiting[i] = shop.first_pred[i + 1] - shop.first_pred[i]
        if waiting[i] == 0:
            queue[top] = i
            top += 1
    while top > 0:
        drawn = random_below(walk.numbers, top)
        i = queue[drawn]
        top -= 1
        queue[drawn] = queue[top]
        soonest = 2**62
        for m in range(shop.first_mode[i], shop.first_mode[i + 1]):
            machine = shop.machine[m]
            end = max(ready[i], free[machine] + setup_before(shop, last[machine], i, m)) + shop.duration[m]
            if end < soonest:
                soonest, mode[i] = end, m
        start[i] = soonest - shop.duration[mode[i]]
        free[shop.machine[mode[i]]] = soonest
        last[shop.machine[mode[i]]] = i
        for s in range(shop.first_succ[i], shop.first_succ[i + 1]):
            after = shop.succ[s]
            ready[after] = max(ready[after], soonest + shop.succ_lag[s])
            waiting[after] -= 1
            if waiting[after] == 0:
                queue[top] = after
                top += 1


@kernel
def mix(walk: Walk, one: int, other: int) -> bool:
    """A fresh start about midway between two rows of plans; true if these are nearly the same."""
    kept = walk.kept
    weight = 30 + random_below(walk.numbers, 41)
    differing = 0
    for i in range(walk.path.size):
        is_other = random_below(walk.numbers, 100) < weight
        kept.mode[FRESH_ROW, i] = kept.mode[other, i] if is_other else kept.mode[one, i]
        kept.start[FRESH_ROW, i] = (100 - weight) * kept.start[one, i] + weight * kept.start[other, i]
        if kept.mode[one, i] != kept.mode[other, i] or kept.start[one, i] != kept.start[other, i]:
            differing += 1
    return differing < _NEARBY * walk.path.size


@kernel
def shake(shop: Shop, walk: Walk, times: int) -> None:
    """Move operations drawn by lot to feasible places drawn by lot."""
    g, w = walk.graph, walk.without
    for _ in range(times):
        copy_times(g, w)
        operation = random_below(walk.numbers, walk.path.size)
        first = shop.first_mode[operation]
        mode = first + random_below(walk.numbers, shop.first_mode[operation + 1] - first)
        take_off(shop, g, w, operation)
        find_places(g, w, operation, shop.machine[mode])
        place = w.longest[2] + random_below(walk.numbers, w.longest[3] - w.longest[2] + 1)
        g.mode[operation] = mode
        g.length[operation] = shop.duration[mode]
        link(shop, g, operation, w.sequence[place - 1] if place > 0 else -1)
        walk.counts[NOW] = settle(shop, g)


@kernel
def _leads(walk: Walk) -> bool:
    for row in range(FIRST_ELITE, FIRST_ELITE + walk.counts[FILLED]):
        if walk.kept.makespan[row] <= walk.kept.makespan[LOCAL_ROW]:
            return False
    return True


@kernel
def _admit(walk: Walk) -> None:
    """Let the best plan since the last fresh start in: where there is room, else for its double or the worst elite."""
    counts, kept = walk.counts, walk.kept
    end = FIRST_ELITE + counts[FILLED]
    worst = FIRST_ELITE
    for row in range(FIRST_ELITE, end):
        if _is_double(kept, row):
            if kept.makespan[LOCAL_ROW] <= kept.makespan[row]:
                _copy(kept, LOCAL_ROW, row)
            return
        if kept.makespan[row] > kept.makespan[worst]:
            worst = row
    if counts[FILLED] < ELITES:
        _copy(kept, LOCAL_ROW, end)
        counts[FILLED] += 1
    elif kept.makespan[LOCAL_ROW] <= kept.makespan[worst]:
        _copy(kept, LOCAL_ROW, worst)


@kernel
def _is_double(kept: Kept, row: int) -> bool:
    differing = 0
    for i in range(kept.mode.shape[1]):
        if kept.mode[row, i] != kept.mode[LOCAL_ROW, i] or kept.start[row, i] != kept.start[LOCAL_ROW, i]:
            differing += 1
    return differing < _NEARBY * kept.mode.shape[1]


@kernel
def _copy(kept: Kept, source: int, target: int) -> None:
    kept.makespan[target] = kept.makespan[source]
    for i in range(kept.mode.shape[1]):
        kept.mode[target, i], kept.start[target, i] = kept.mode[source, i], kept.start[source, i]
