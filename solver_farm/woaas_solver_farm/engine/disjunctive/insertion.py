"""Where an operation may go: the insertions of Mastrolilli and Gambardella (2000), with their exact makespans.

With the operation off its machine, all others' heads and tails are computed anew. Its place among the operations
of a machine then costs O(1): no longest path that avoids it changes, and those through it are head + length + tail.
"""

# pyright: reportArgumentType=false, reportReturnType=false
# Pyright takes an element of an array for an array; mypy checks these lines.

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from woaas_solver_farm.engine.jit import kernel

from .graph import Graph, head_of, link, tail_of, unlink
from .shop import Shop

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
    length, here = g.length[operation], g.position[operation]
    g.length[operation] = 0
    longest = g.reach[here - 1] if here > 0 else 0
    for position in range(here, g.order.size):
        i = g.order[position]
        w.head[i] = head_of(shop, g, w.head, i)
        longest = max(longest, w.head[i] + g.length[i])
    for position in range(here, -1, -1):
        i = g.order[position]
        w.tail[i] = tail_of(shop, g, w.tail, i)
    g.length[operation] = length
    w.longest[0] = longest


@kernel
def put_back(shop: Shop, g: Graph, w: Without, operation: int, before: int) -> None:
    """Undo ``take_off``."""
    link(shop, g, operation, before)
    here = g.position[operation]
    for position in range(here, g.order.size):
        i = g.order[position]
        w.head[i] = g.head[i]
    for position in range(here, -1, -1):
        i = g.order[position]
        w.tail[i] = g.tail[i]


@kernel
def find_places(g: Graph, w: Without, operation: int, machine: int) -> None:
    """Read a machine's sequence and the places in it that surely make no cycle, among them a best one.

    An operation that ends after the head of the one to insert has no path to it, so it may follow; one whose tail and
    length exceed the other's tail cannot be reached from it, so it may precede.
    """
    head, tail = w.head[operation], w.tail[operation]
    size, leading, early = 0, 0, 0
    i = g.first[machine]
    while i >= 0:
        w.sequence[size] = i
        size += 1
        if w.tail[i] + g.length[i] > tail:
            leading = size
        if w.head[i] + g.length[i] <= head:
            early = size
        i = g.after[i]
    w.longest[1], w.longest[2], w.longest[3] = size, min(leading, early), max(leading, early)


@kernel
def length_through(g: Graph, w: Without, operation: int, place: int, length: int) -> int:
    """The longest path through an operation inserted at a place of the sequence last read."""
    head, tail = w.head[operation], w.tail[operation]
    if place > 0:
        before = w.sequence[place - 1]
        head = max(head, w.head[before] + g.length[before])
    if place < w.longest[1]:
        after = w.sequence[place]
        tail = max(tail, w.tail[after] + g.length[after])
    return head + length + tail
