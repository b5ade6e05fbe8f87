"""Where an operation may go: the insertions of Mastrolilli and Gambardella (2000), with their exact makespans.

With the operation off its machine, all others' heads and tails are computed anew. Its place among the operations
of a machine then costs O(1): no longest path that avoids it changes, and those through it are head + length + tail.
Where the operation comes between two others, the set-up these needed falls away: then the makespan may be less.
"""

# pyright: reportArgumentType=false, reportReturnType=false, reportAssignmentType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel

from .graph import Graph, link, relax, unlink, ways_in, ways_out
from .shop import Shop, setup_before

Ints = npt.NDArray[np.int64]


class Without(NamedTuple):
    """Heads and tails of the graph without one operation, and room for one machine's sequence.

    ``longest`` holds the makespan of the rest, the size of the sequence, and the first and last feasible place in it.
    """

    head: Ints
    tail: Ints
    sequence: Ints
    longest: Ints


def new_without(count: int) -> Without:
    """Room for a graph of ``count`` operations."""
    head, tail, sequence = (np.zeros(count, np.int64) for _ in range(3))
    return Without(head, tail, sequence, np.zeros(4, np.int64))


@kernel
def copy_times(g: Graph, w: Without) -> None:
    """Start from the graph's own heads and tails; to be done once after each change of the graph."""
    for i in range(g.order.size):
        w.head[i], w.tail[i] = g.head[i], g.tail[i]


@kernel
def take_off(shop: Shop, g: Graph, w: Without, operation: int) -> None:
    """Unlink an operation and compute what changes: heads behind it and tails before it, in topological order."""
    unlink(shop, g, operation)
    order, head, tail = g.order, w.head, w.tail
    first_pred, pred, pred_lag, before, lead, length, release = ways_in(shop, g)
    first_succ, succ, succ_lag, after, follow, _, nothing = ways_out(shop, g)
    own, here = length[operation], g.position[operation]
    length[operation] = 0
    longest = g.reach[here - 1] if here > 0 else 0
    for position in range(here, order.size):
        i = order[position]
        head[i] = relax(first_pred, pred, pred_lag, before, lead, length, release, head, i)
        longest = max(longest, head[i] + length[i])
    for position in range(here, -1, -1):
        i = order[position]
        tail[i] = relax(first_succ, succ, succ_lag, after, follow, length, nothing, tail, i)
    length[operation] = own
    w.longest[0] = longest


@kernel
def put_back(shop: Shop, g: Graph, w: Without, operation: int, before: int) -> None:
    """Undo ``take_off``."""
    link(shop, g, operation, before)
    order, here = g.order, g.position[operation]
    head, tail, known_head, known_tail = w.head, w.tail, g.head, g.tail
    for position in range(here, order.size):
        head[order[position]] = known_head[order[position]]
    for position in range(here, -1, -1):
        tail[order[position]] = known_tail[order[position]]


@kernel
def find_places(g: Graph, w: Without, operation: int, machine: int) -> None:
    """Read a machine's sequence and the places in it that surely make no cycle, among them a best one.

    An operation that ends after the head of the one to insert has no path to it, so it may follow; one whose tail and
    length exceed the other's tail cannot be reached from it, so it may precede.
    """
    heads, tails, length, sequence, after = w.head, w.tail, g.length, w.sequence, g.after
    head, tail = heads[operation], tails[operation]
    size, leading, early = 0, 0, 0
    i = g.first[machine]
    while i >= 0:
        sequence[size] = i
        size += 1
        if tails[i] + length[i] > tail:
            leading = size
        if heads[i] + length[i] <= head:
            early = size
        i = after[i]
    w.longest[1], w.longest[2], w.longest[3] = size, min(leading, early), max(leading, early)


@kernel
def setups_at(
    shop: Shop, g: Graph, sequence: Ints, size: int, operation: int, place: int, mode: int
) -> tuple[int, int]:
    """The set-ups before and behind an operation inserted in a mode at a place of its machine's sequence."""
    before = sequence[place - 1] if place > 0 else -1
    lead = setup_before(shop, before, operation, mode)
    if place == size:
        return lead, 0
    after = sequence[place]
    return lead, setup_before(shop, operation, after, g.mode[after])


@kernel
def length_through(
    heads: Ints,
    tails: Ints,
    length: Ints,
    sequence: Ints,
    size: int,
    operation: int,
    place: int,
    own: int,
    lead: int,
    follow: int,
) -> int:
    """The longest path through an operation of length ``own`` inserted at a place of a sequence, between set-ups."""
    head, tail = heads[operation], tails[operation]
    if place > 0:
        before = sequence[place - 1]
        lead += heads[before] + length[before]
    if place < size:
        after = sequence[place]
        follow += tails[after] + length[after]
    return max(head, lead) + own + max(tail, follow)
