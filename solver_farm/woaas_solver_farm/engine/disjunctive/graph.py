"""The disjunctive graph of a plan: a node an operation, arcs along jobs and along machines (Roy and Sussmann 1964).

The head of an operation is its earliest start, its tail the longest way from its end to the end of everything.
An arc along a machine is as long as the set-up it stands for.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel

from .shop import Shop, setup_before

Ints = npt.NDArray[np.int64]


class Graph(NamedTuple):
    """A plan; all arrays are by operation except ``first`` (by machine), -1 means none.

    ``order`` is a topological order and ``position`` its inverse. ``reach`` is by position: the latest end up to it.
    ``lead`` is the set-up before an operation, ``follow`` the one before the next on its machine. ``ready`` and
    ``rest`` are what its job alone makes of head and tail. ``waiting`` is
    scratch and zero between calls.
    """

    mode: Ints
    length: Ints
    before: Ints
    after: Ints
    lead: Ints
    follow: Ints
    first: Ints
    order: Ints
    position: Ints
    head: Ints
    tail: Ints
    ready: Ints
    rest: Ints
    reach: Ints
    waiting: Ints


def new_graph(shop: Shop) -> Graph:
    """A graph to be filled by ``load``."""
    count = shop.first_mode.size - 1
    mode, length, lead, follow, order, position = (np.zeros(count, np.int64) for _ in range(6))
    head, tail, ready, rest, reach, waiting = (np.zeros(count, np.int64) for _ in range(6))
    before, after = (np.full(count, -1, np.int64) for _ in range(2))
    first = np.full(shop.machines, -1, np.int64)
    return Graph(
        mode, length, before, after, lead, follow, first, order, position, head, tail, ready, rest, reach, waiting
    )


@kernel
def load(shop: Shop, g: Graph, mode: Ints, key: Ints) -> int:
    """Take modes and, on each machine, the sequence of the keys; the makespan.

    Keys must rise along every job arc, so that no cycle arises.
    """
    last = np.full(shop.machines, -1, np.int64)
    for m in range(shop.machines):
        g.first[m] = -1
    for operation in np.argsort(key, kind="mergesort"):
        g.mode[operation] = mode[operation]
        g.length[operation] = shop.duration[mode[operation]]
        link(shop, g, operation, last[shop.machine[mode[operation]]])
        last[shop.machine[mode[operation]]] = operation
    return settle(shop, g)


@kernel
def link(shop: Shop, g: Graph, operation: int, before: int) -> None:
    """Put an operation on its mode's machine, after another one or (-1) first."""
    machine = shop.machine[g.mode[operation]]
    after = g.after[before] if before >= 0 else g.first[machine]
    g.before[operation], g.after[operation] = before, after
    if before >= 0:
        g.after[before] = operation
    else:
        g.first[machine] = operation
    if after >= 0:
        g.before[after] = operation
    if shop.has_setups:
        _lead(shop, g, operation)
        _lead(shop, g, after)


@kernel
def unlink(shop: Shop, g: Graph, operation: int) -> None:
    """Take an operation off its machine; ``link`` with the same predecessor undoes it."""
    before, after = g.before[operation], g.after[operation]
    if before >= 0:
        g.after[before] = after
    else:
        g.first[shop.machine[g.mode[operation]]] = after
    if after >= 0:
        g.before[after] = before
    g.before[operation] = g.after[operation] = -1
    if shop.has_setups:
        g.lead[operation] = g.follow[operation] = 0
        if after < 0 and before >= 0:
            g.follow[before] = 0
        _lead(shop, g, after)


@kernel
def _lead(shop: Shop, g: Graph, operation: int) -> None:
    """Note the set-up before an operation that has a new predecessor on its machine."""
    if operation < 0:
        return
    before = g.before[operation]
    g.lead[operation] = setup_before(shop, before, operation, g.mode[operation])
    if before >= 0:
        g.follow[before] = g.lead[operation]
    if g.after[operation] < 0:
        g.follow[operation] = 0


class Ways(NamedTuple):
    """The arcs towards an operation, or away from it: job arcs with lags, ``beside`` on its machine with ``setup``.

    ``least`` is what its head or tail is without any. Kernels that visit every operation work on these few arrays,
    taken out of the larger tuples once: passing the tuples themselves costs more than an operation's arithmetic.
    """

    first: Ints
    others: Ints
    lag: Ints
    beside: Ints
    setup: Ints
    length: Ints
    least: Ints


@kernel
def ways_in(shop: Shop, g: Graph) -> Ways:
    """The arcs by which heads are computed."""
    return Ways(shop.first_pred, shop.pred, shop.pred_lag, g.before, g.lead, g.length, shop.release)


@kernel
def ways_out(shop: Shop, g: Graph) -> Ways:
    """The arcs by which tails are computed."""
    return Ways(shop.first_succ, shop.succ, shop.succ_lag, g.after, g.follow, g.length, shop.nothing)


@kernel
def relax(
    first: Ints,
    others: Ints,
    lag: Ints,
    beside: Ints,
    setup: Ints,
    length: Ints,
    least: Ints,
    time: Ints,
    operation: int,
) -> int:
    """An operation's head from its predecessors', or its tail from its successors'."""
    longest = least[operation]
    for i in range(first[operation], first[operation + 1]):
        other = others[i]
        way = time[other] + length[other] + lag[i]
        longest = max(longest, way)
    other, way = beside[operation], setup[operation]
    if other >= 0:
        way += time[other] + length[other]
    return max(longest, way)


@kernel
def settle(shop: Shop, g: Graph) -> int:
    """Compute order, heads and tails anew; the makespan, or -1 if the graph has a cycle."""
    order, waiting, before, after = g.order, g.waiting, g.before, g.after
    first_pred, first_succ, succ = shop.first_pred, shop.first_succ, shop.succ
    count = order.size
    top = 0
    for i in range(count):
        waiting[i] = first_pred[i + 1] - first_pred[i] + (1 if before[i] >= 0 else 0)
        if waiting[i] == 0:
            order[top] = i
            top += 1
    done = 0
    while done < top:
        i = order[done]
        done += 1
        for s in range(first_succ[i], first_succ[i + 1]):
            waiting[succ[s]] -= 1
            if waiting[succ[s]] == 0:
                order[top] = succ[s]
                top += 1
        if after[i] >= 0:
            waiting[after[i]] -= 1
            if waiting[after[i]] == 0:
                order[top] = after[i]
                top += 1
    if done < count:
        return -1
    return measure(shop, g, 0, count - 1)


@kernel
def measure(shop: Shop, g: Graph, low: int, high: int) -> int:
    """Compute heads from one position of the order on and tails up to another; the makespan."""
    order, position, length, reach = g.order, g.position, g.length, g.reach
    head, ready, before, lead, release = g.head, g.ready, g.before, g.lead, shop.release
    first, other, lag = shop.first_pred, shop.pred, shop.pred_lag
    latest = reach[low - 1] if low > 0 else 0
    for place in range(low, order.size):
        i = order[place]
        position[i] = place
        longest = release[i]
        for p in range(first[i], first[i + 1]):
            way = head[other[p]] + length[other[p]] + lag[p]
            longest = max(longest, way)
        ready[i] = longest
        beside, way = before[i], lead[i]
        if beside >= 0:
            way += head[beside] + length[beside]
        longest = max(longest, way)
        head[i] = longest
        latest = max(latest, longest + length[i])
        reach[place] = latest
    tail, rest, after, follow = g.tail, g.rest, g.after, g.follow
    first, other, lag = shop.first_succ, shop.succ, shop.succ_lag
    for place in range(high, -1, -1):
        i = order[place]
        longest = 0
        for s in range(first[i], first[i + 1]):
            way = tail[other[s]] + length[other[s]] + lag[s]
            longest = max(longest, way)
        rest[i] = longest
        beside = after[i]
        if beside >= 0:
            way = tail[beside] + length[beside] + follow[i]
            longest = max(longest, way)
        tail[i] = longest
    return latest


@kernel
def shift(shop: Shop, g: Graph, operation: int, before: int) -> int:
    """Move an operation on its machine behind another one (-1: to the front) and bring all up to date; the makespan.

    Only for moves that make no cycle. Between the old and the new place in the order, what follows the operation (or,
    when it moves forward in time, what leads to it) keeps its own order, and so does the rest.
    """
    target = before
    if before < 0 or g.position[before] < g.position[operation]:
        target = g.after[before] if before >= 0 else g.first[shop.machine[g.mode[operation]]]
    low, high = min(g.position[operation], g.position[target]), max(g.position[operation], g.position[target])
    is_later = g.position[target] > g.position[operation]
    unlink(shop, g, operation)
    link(shop, g, operation, before)
    if is_later:
        _push(shop.first_pred, shop.pred, g.before, g.order, g.waiting, low, high, 1)
    else:
        _push(shop.first_succ, shop.succ, g.after, g.order, g.waiting, high, low, -1)
    return measure(shop, g, low, high)


@kernel
def _push(first: Ints, others: Ints, beside: Ints, order: Ints, marked: Ints, begin: int, end: int, by: int) -> None:
    """Of a stretch of the order, bring the operation it begins with and all that hang on it to the far end."""
    stretch = np.empty(abs(end - begin) + 1, np.int64)
    kept, pushed = begin, 0
    for place in range(begin, end + by, by):
        i = order[place]
        hangs = place == begin or (beside[i] >= 0 and marked[beside[i]] == 1)
        for other in range(first[i], first[i + 1]):
            hangs |= marked[others[other]] == 1
        if hangs:
            marked[i] = 1
            stretch[pushed] = i
            pushed += 1
        else:
            order[kept] = i
            kept += by
    for j in range(pushed):
        order[kept] = stretch[j]
        marked[stretch[j]] = 0
        kept += by


@kernel
def critical_path(shop: Shop, g: Graph, makespan: int, draw: int, path: Ints) -> int:
    """Write one longest chain, last operation first; its length. ``draw`` decides which where there are several."""
    count = g.order.size
    operation = -1
    for i in range(count):
        candidate = (i + draw) % count
        if g.head[candidate] + g.length[candidate] == makespan:
            operation = candidate
            break
    size = 0
    while operation >= 0:
        path[size] = operation
        size += 1
        start, following = g.head[operation], -1
        for p in range(shop.first_pred[operation], shop.first_pred[operation + 1]):
            before = shop.pred[p]
            if g.head[before] + g.length[before] + shop.pred_lag[p] == start:
                following = before
        before = g.before[operation]
        binds = before >= 0 and g.head[before] + g.length[before] + g.lead[operation] == start
        if binds and (following < 0 or (draw >> (size % 30)) & 1):
            following = before
        operation = following
    return size
