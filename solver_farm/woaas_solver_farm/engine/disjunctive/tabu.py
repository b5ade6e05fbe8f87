"""Tabu search on the disjunctive graph: each step moves one critical operation to the best place not forbidden.

In the tradition of Mastrolilli and Gambardella (2000) and Peng, Lü and Cheng (2015). A walk is a pure function of its
numbers: the same seed and iterations give the same plan, however the iterations are cut into calls.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.moves import random_below

from .blocks import best_shift
from .elites import renew
from .graph import critical_path, link, settle, shift, unlink
from .insertion import copy_times, find_places, length_through, put_back, setups_at, take_off
from .shop import Shop
from .walk import (
    AFTER,
    BEST,
    FOUND,
    FROM,
    ITERATION,
    MAKESPAN,
    MODE,
    NOW,
    OPERATION,
    STALE,
    THROUGH,
    TO,
    Walk,
    arc,
    remember,
)

Ints = npt.NDArray[np.int64]

# Steps without a better plan until a fresh start; a step is ten times quicker where there are no alternatives.
_PATIENCE, _RIGID_PATIENCE = 3000, 12_000
_TENURE = 10
# How many operations' worth of heads and tails one step computes anew; longer critical paths are drawn from.
_EFFORT = 20_000
_FEWEST = 12
_FAR = 2**62


@kernel
def run(shop: Shop, walk: Walk, steps: int, target: int) -> bool:
    """Take so many steps, or as many as it takes to reach the target; true if a better plan than ever was found."""
    before, patience = walk.counts[FOUND], _RIGID_PATIENCE if shop.is_rigid else _PATIENCE
    for _ in range(steps):
        if walk.counts[BEST] <= target:
            break
        if walk.counts[STALE] >= patience:
            renew(shop, walk)
            remember(walk)
        step(shop, walk)
    return walk.counts[FOUND] > before


@kernel
def step(shop: Shop, walk: Walk) -> None:
    """Make the best move of the critical operations and forbid its reversal for a while."""
    walk.counts[ITERATION] += 1
    walk.counts[STALE] += 1
    move, size = best_shift(shop, walk) if shop.is_rigid else best_move(shop, walk)
    if move[OPERATION] < 0:
        walk.counts[STALE] = _RIGID_PATIENCE
        return
    _forbid(shop, walk, move, size)
    apply(shop, walk, move)
    remember(walk)


@kernel
def best_move(shop: Shop, walk: Walk) -> tuple[Ints, int]:
    """The best move not forbidden, of equals one by lot, else any by lot; and how long the critical path is.

    A forbidden move to a plan better than all so far is welcome. Operation -1 if nothing can move.
    """
    g, w, path = walk.graph, walk.without, walk.path
    copy_times(g, w)
    size = critical_path(shop, g, walk.counts[NOW], random_below(walk.numbers, 2**30), path)
    tried = min(size, max(_FEWEST, _EFFORT // g.order.size))
    heads, tails, length, sequence, limits = w.head, w.tail, g.length, w.sequence, w.longest
    arc_until, mode_until, now, ever = walk.arc_until, walk.mode_until, walk.counts[ITERATION], walk.counts[BEST]
    first_mode, machine, duration = shop.first_mode, shop.machine, shop.duration
    best, fallback = np.full(7, -1, np.int64), np.full(7, -1, np.int64)
    best[MAKESPAN] = best[THROUGH] = _FAR
    ties, others = 0, 0
    for i in range(tried):
        if tried < size:
            j = i + random_below(walk.numbers, size - i)
            path[i], path[j] = path[j], path[i]
        operation = path[i]
        before, current = g.before[operation], g.mode[operation]
        take_off(shop, g, w, operation)
        for mode in range(first_mode[operation], first_mode[operation + 1]):
            find_places(g, w, operation, machine[mode])
            stays = machine[mode] == machine[current]
            origin = _place_after(sequence, before) if stays else -1
            for place in range(limits[2], limits[3] + 1):
                if mode == current and place == origin:
                    continue
                lead, follow = 0, 0
                if shop.has_setups:
                    lead, follow = setups_at(shop, g, sequence, limits[1], operation, place, mode)
                through = length_through(
                    heads, tails, length, sequence, limits[1], operation, place, duration[mode], lead, follow
                )
                makespan = max(through, limits[0])
                if makespan > best[MAKESPAN] or (makespan == best[MAKESPAN] and through > best[THROUGH]):
                    continue
                is_forbidden = mode != current and mode_until[mode] >= now
                is_forbidden |= _is_forbidden(arc_until, sequence, operation, now, origin, place)
                if is_forbidden and makespan >= ever:
                    others += 1
                    if random_below(walk.numbers, others) == 0:
                        _write(fallback, sequence, operation, mode, origin, place, makespan, through)
                    continue
                ties = ties + 1 if makespan == best[MAKESPAN] and through == best[THROUGH] else 1
                if ties == 1 or random_below(walk.numbers, ties) == 0:
                    _write(best, sequence, operation, mode, origin, place, makespan, through)
        put_back(shop, g, w, operation, before)
    return (best if best[OPERATION] >= 0 else fallback), size


@kernel
def apply(shop: Shop, walk: Walk, move: Ints) -> None:
    """Carry a move out and settle the graph."""
    g, operation = walk.graph, move[OPERATION]
    if shop.is_rigid:
        walk.counts[NOW] = shift(shop, g, operation, move[AFTER])
        return
    unlink(shop, g, operation)
    g.mode[operation] = move[MODE]
    g.length[operation] = shop.duration[move[MODE]]
    link(shop, g, operation, move[AFTER])
    walk.counts[NOW] = settle(shop, g)


@kernel
def _place_after(sequence: Ints, before: int) -> int:
    if before < 0:
        return 0
    place = 0
    while sequence[place] != before:
        place += 1
    return place + 1


@kernel
def _write(
    move: Ints, sequence: Ints, operation: int, mode: int, origin: int, place: int, makespan: int, through: int
) -> None:
    move[OPERATION], move[MODE], move[FROM], move[TO] = operation, mode, origin, place
    move[AFTER] = sequence[place - 1] if place > 0 else -1
    move[MAKESPAN], move[THROUGH] = makespan, through


@kernel
def _is_forbidden(
    arc_until: npt.NDArray[np.int32], sequence: Ints, operation: int, now: int, origin: int, place: int
) -> bool:
    """True if one of the arcs a move on its machine would make was given up lately."""
    if origin < 0:
        return False
    until, count = -1, sequence.size
    for i in range(origin, place):
        until = max(until, arc_until[arc(sequence[i], operation, count, arc_until.size)])
    for i in range(place, origin):
        until = max(until, arc_until[arc(operation, sequence[i], count, arc_until.size)])
    return until >= now


@kernel
def _forbid(shop: Shop, walk: Walk, move: Ints, size: int) -> None:
    g, operation, count = walk.graph, move[OPERATION], walk.path.size
    base = _TENURE + g.order.size // (shop.machines * shop.machines)
    until = walk.counts[ITERATION] + base + random_below(walk.numbers, base)
    if move[MODE] != g.mode[operation]:
        walk.mode_until[g.mode[operation]] = until + random_below(walk.numbers, size)
    if move[FROM] < 0:
        return
    other = operation
    for _ in range(move[FROM], move[TO]):
        other = g.after[other]
        walk.arc_until[arc(operation, other, count, walk.arc_until.size)] = until
    for _ in range(move[TO], move[FROM]):
        other = g.before[other]
        walk.arc_until[arc(other, operation, count, walk.arc_until.size)] = until
