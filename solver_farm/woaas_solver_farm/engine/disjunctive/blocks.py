"""Moves in shops without alternatives: within a block of critical operations, to or from its first or last place.

The neighbourhood of Zhang, Li, Guan and Rao (2007, N7) around that of Balas and Vazacopoulos (1998, N6), whose
estimates of the makespan need only the heads and tails beside the operations between.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel
from woaas_solver_farm.engine.moves import random_below

from .graph import Graph, critical_path
from .shop import Shop
from .walk import (
    AFTER,
    BEST,
    FROM,
    ITERATION,
    MAKESPAN,
    MODE,
    NOW,
    OPERATION,
    THROUGH,
    TO,
    Walk,
    arc,
)

Ints = npt.NDArray[np.int64]

# Shifts over more operations than this are not tried.
_FARTHEST = 64
_FAR = 2**62


class Near(NamedTuple):
    """What an estimate reads, by operation; ``scratch`` is written. Kept small: it is passed for every move."""

    length: Ints
    head: Ints
    tail: Ints
    ready: Ints
    rest: Ints
    before: Ints
    after: Ints
    scratch: Ints


class Setups(NamedTuple):
    """The set-ups of one machine: ``table`` is by group before and group, ``own`` by operation."""

    group: Ints
    own: Ints
    table: npt.NDArray[np.int64]
    first_group: int
    matter: bool


@kernel
def best_shift(shop: Shop, walk: Walk) -> tuple[Ints, int]:
    """The move not forbidden with the best estimate, of equals one by lot, else any by lot; and the path's length.

    A forbidden move that promises a plan better than all so far is welcome. Operation -1 if nothing can move.
    """
    g, path, numbers = walk.graph, walk.path, walk.numbers
    arc_until, now, ever = walk.arc_until, walk.counts[ITERATION], walk.counts[BEST]
    size = critical_path(shop, g, walk.counts[NOW], random_below(numbers, 2**30), path)
    near = Near(g.length, g.head, g.tail, g.ready, g.rest, g.before, g.after, walk.without.head)
    first_succ, succ, first_pred, pred = shop.first_succ, shop.succ, shop.first_pred, shop.pred
    best, fallback = np.full(7, -1, np.int64), np.full(7, -1, np.int64)
    best[MAKESPAN] = _FAR
    ties, others, last = 0, 0, size - 1
    while last > 0:
        # The path is written from its end: a block runs from index ``last`` down to ``first``.
        first = last
        while first > 0 and g.after[path[first]] == path[first - 1]:
            first -= 1
        setups = setups_of(shop, path[last])
        for i in range(last, first, -1):
            for j in range(i - 1, max(first, i - _FARTHEST) - 1, -1):
                if i != last and j != first:
                    continue
                one, other, limit = path[i], path[j], best[MAKESPAN]
                if not _leads_to(first_succ, succ, near.head, near.tail, near.length, one, other):
                    makespan = estimate_behind(near, setups, one, other, limit)
                    if makespan <= limit:
                        if _is_forbidden(arc_until, near.after, one, other, False, now) and makespan >= ever:
                            others += 1
                            if random_below(numbers, others) == 0:
                                _write(fallback, g, one, other, i - j, makespan)
                        else:
                            ties = ties + 1 if makespan == limit else 1
                            if ties == 1 or random_below(numbers, ties) == 0:
                                _write(best, g, one, other, i - j, makespan)
                limit = best[MAKESPAN]
                # Neighbours change places either way.
                if i - j > 1 and not _leads_to(first_pred, pred, near.tail, near.head, near.length, other, one):
                    makespan = estimate_before(near, setups, other, one, limit)
                    if makespan <= limit:
                        if _is_forbidden(arc_until, near.before, other, one, True, now) and makespan >= ever:
                            others += 1
                            if random_below(numbers, others) == 0:
                                _write(fallback, g, other, one, j - i, makespan)
                        else:
                            ties = ties + 1 if makespan == limit else 1
                            if ties == 1 or random_below(numbers, ties) == 0:
                                _write(best, g, other, one, j - i, makespan)
        last = first - 1
    return (best if best[OPERATION] >= 0 else fallback), size


@kernel
def setups_of(shop: Shop, operation: int) -> Setups:
    """The set-ups of an operation's machine."""
    machine = shop.machine[operation]
    matrix = max(0, shop.matrix[machine])
    group = shop.group if shop.matrix[machine] >= 0 else shop.no_group
    return Setups(group, shop.own_setup, shop.setups[matrix], shop.first_group[machine], shop.has_setups)


@kernel
def _write(move: Ints, g: Graph, operation: int, target: int, by: int, makespan: int) -> None:
    move[OPERATION], move[MODE] = operation, g.mode[operation]
    move[AFTER] = target if by > 0 else g.before[target]
    move[FROM], move[TO] = max(0, -by), max(0, by)
    move[MAKESPAN] = move[THROUGH] = makespan


@kernel
def _leads_to(first: Ints, nexts: Ints, head: Ints, tail: Ints, length: Ints, operation: int, target: int) -> bool:
    """False if surely no next operation in the job is or leads to the target (backwards with tails for heads)."""
    until, rest = head[target], tail[target] + length[target]
    for n in range(first[operation], first[operation + 1]):
        other = nexts[n]
        if other == target or (head[other] + length[other] <= until and tail[other] >= rest):
            return True
    return False


@kernel
def estimate_behind(near: Near, setups: Setups, operation: int, target: int, limit: int) -> int:
    """The longest path through the operations concerned if one moves just behind the target; above the limit, any."""
    length, head, tail, ready, rest, before, after, heads = near
    other, last, previous = after[operation], after[target], before[operation]
    free = head[previous] + length[previous] if previous >= 0 else 0
    while other != last:
        begin = max(ready[other], free + setup_between(setups, previous, other))
        heads[other] = begin
        free = begin + length[other]
        previous, other = other, after[other]
    begin = max(ready[operation], free + setup_between(setups, target, operation))
    way = rest[operation]
    if last >= 0:
        way = max(way, tail[last] + length[last] + setup_between(setups, operation, last))
    longest = begin + length[operation] + way
    following, other = operation, target
    while other != operation and longest <= limit:
        way = max(rest[other], way + length[following] + setup_between(setups, other, following))
        longest = max(longest, heads[other] + length[other] + way)
        following, other = other, before[other]
    return longest


@kernel
def estimate_before(near: Near, setups: Setups, operation: int, target: int, limit: int) -> int:
    """The same if an operation moves just before the target."""
    length, head, tail, ready, rest, before, after, tails = near
    other, first, following = before[operation], before[target], after[operation]
    way = tail[following] + length[following] if following >= 0 else 0
    while other != first:
        if following >= 0:
            way += setup_between(setups, other, following)
        way = max(rest[other], way)
        tails[other] = way
        way += length[other]
        following, other = other, before[other]
    way = max(rest[operation], way + setup_between(setups, operation, target))
    free = head[first] + length[first] if first >= 0 else 0
    begin = max(ready[operation], free + setup_between(setups, first, operation))
    longest = begin + length[operation] + way
    previous, other = operation, target
    while other != operation and longest <= limit:
        begin = max(ready[other], begin + length[previous] + setup_between(setups, previous, other))
        longest = max(longest, begin + length[other] + tails[other])
        previous, other = other, after[other]
    return longest


@kernel
def setup_between(setups: Setups, before: int, operation: int) -> int:
    """The set-up of an operation behind another one (-1: none) on the machine."""
    if not setups.matter:
        return 0
    own, to = setups.own[operation], setups.group[operation]
    group = setups.group[before] if before >= 0 else setups.first_group
    return own + setups.table[group, to] if group >= 0 and to >= 0 else own


@kernel
def _is_forbidden(
    arc_until: npt.NDArray[np.int32], beside: Ints, operation: int, target: int, leads: bool, now: int
) -> bool:
    """True if one of the arcs made by passing all up to the target was given up lately."""
    other, count, entries = operation, beside.size, arc_until.size
    while other != target:
        other = beside[other]
        entry = arc(operation, other, count, entries) if leads else arc(other, operation, count, entries)
        if arc_until[entry] >= now:
            return True
    return False
