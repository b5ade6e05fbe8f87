"""The disjunctive graph of a plan: a node an operation, arcs along jobs and along machines (Roy and Sussmann 1964).

The head of an operation is its earliest start, its tail the longest way from its end to the end of everything.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel

from .shop import Shop

Ints = npt.NDArray[np.int64]


class Graph(NamedTuple):
    """A plan; all arrays are by operation except ``first`` (by machine), -1 means none.

    ``order`` is a topological order and ``position`` its inverse. ``reach`` is by position: the latest end up to it.
    """

    mode: Ints
    length: Ints
    before: Ints
    after: Ints
    first: Ints
    order: Ints
    position: Ints
    head: Ints
    tail: Ints
    reach: Ints


def new_graph(shop: Shop) -> Graph:
    """A graph to be filled by ``load``."""
    count = shop.first_mode.size - 1
    mode, length, order, position, head, tail, reach = (np.zeros(count, np.int64) for _ in range(7))
    before, after = (np.full(count, -1, np.int64) for _ in range(2))
    return Graph(mode, length, before, after, np.full(shop.machines, -1, np.int64), order, position, head, tail, reach)


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


class Ways(NamedTuple):
    """The arcs towards an operation, or away from it: job arcs with their lags and ``beside`` on its machine.

    ``least`` is what its head or tail is without any. Kernels that visit every operation work on these few arrays,
    taken out of the larger tuples once: passing the tuples themselves costs more than an operation's arithmetic.
    """

    first: Ints
    others: Ints
    lag: Ints
    beside: Ints
    length: Ints
    least: Ints


@kernel
def ways_in(shop: Shop, g: Graph) -> Ways:
    """The arcs by which heads are computed."""
    return Ways(shop.first_pred, shop.pred, shop.pred_lag, g.before, g.length, shop.release)


@kernel
def ways_out(shop: Shop, g: Graph) -> Ways:
    """The arcs by which tails are computed."""
    return Ways(shop.first_succ, shop.succ, shop.succ_lag, g.after, g.length, shop.nothing)


@kernel
def relax(
    first: Ints, others: Ints, lag: Ints, beside: Ints, length: Ints, least: Ints, time: Ints, operation: int
) -> int:
    """An operation's head from its predecessors', or its tail from its successors'."""
    longest = least[operation]
    for i in range(first[operation], first[operation + 1]):
        other = others[i]
        way = time[other] + length[other] + lag[i]
        longest = max(longest, way)
    other = beside[operation]
    if other >= 0:
        way = time[other] + length[other]
        longest = max(longest, way)
    return longest


@kernel
def settle(shop: Shop, g: Graph) -> int:
    """Compute order, heads and tails anew; the makespan, or -1 if the graph has a cycle."""
    order, position, head, tail, reach = g.order, g.position, g.head, g.tail, g.reach
    first_pred, pred, pred_lag, before, length, release = ways_in(shop, g)
    first_succ, succ, succ_lag, after, _, nothing = ways_out(shop, g)
    count = order.size
    waiting = np.empty(count, np.int64)
    top = 0
    for i in range(count):
        waiting[i] = first_pred[i + 1] - first_pred[i] + (1 if before[i] >= 0 else 0)
        if waiting[i] == 0:
            order[top] = i
            top += 1
    done, latest = 0, 0
    while done < top:
        i = order[done]
        position[i] = done
        head[i] = relax(first_pred, pred, pred_lag, before, length, release, head, i)
        latest = max(latest, head[i] + length[i])
        reach[done] = latest
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
    for place in range(count - 1, -1, -1):
        i = order[place]
        tail[i] = relax(first_succ, succ, succ_lag, after, length, nothing, tail, i)
    return latest


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
        binds = before >= 0 and g.head[before] + g.length[before] == start
        if binds and (following < 0 or (draw >> (size % 30)) & 1):
            following = before
        operation = following
    return size
