"""Inclusion, consistency and range proofs read from tiles.

A proof is first planned as the subtrees it consists of, which needs no hashes and tells the caller which tiles to fetch
in one query; then it is resolved. Up to 16.7 million leaves a proof touches at most three tiles along the leaf's path;
the right edge comes from the frontier where the proof is for the present size, else from two tiles more.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from .tiles import split_hashes
from .tree import TILE_HEIGHT, Node, fold, parents

ReadTile = Callable[[int, int], bytes]
"""Gives the bytes of tile (level, position): full, or as much of it as the log has."""

Plan = list[list[Node]]
"""One list of perfect subtrees, left to right, per hash of the proof."""


class RangePlan(NamedTuple):
    """The perfect subtrees to the left and to the right of a range of leaves."""

    left: list[Node]
    right: list[Node]


class NodeHashes:
    """Hashes of perfect subtrees, computed from tiles that are read once and kept for further proofs."""

    def __init__(self, read_tile: ReadTile, known: Mapping[Node, bytes] | None = None) -> None:
        self._read_tile = read_tile
        self._known = known or {}
        self._pyramids: dict[tuple[int, int], list[list[bytes]]] = {}

    def __call__(self, node: Node) -> bytes:
        """The hash of one subtree.

        Raises:
            LookupError: the tile that holds it is too short, so the tree has not grown that far.
        """
        if known := self._known.get(node):
            return known
        address = tile_of(node)
        if address not in self._pyramids:
            self._pyramids[address] = _pyramid(self._read_tile(*address))
        row = self._pyramids[address][node.level % TILE_HEIGHT]
        place = node.position - (address[1] << TILE_HEIGHT >> node.level % TILE_HEIGHT)
        if place >= len(row):
            msg = f"tile {address} does not reach subtree {node}"
            raise LookupError(msg)
        return row[place]

    def resolve(self, plan: Plan) -> list[bytes]:
        """The proof that a plan describes."""
        return [fold([self(node) for node in nodes]) for nodes in plan]


def plan_inclusion(index: int, size: int) -> Plan:
    """What proves that leaf `index` is in the tree of `size` leaves (RFC 6962 §2.1.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        msg = f"a tree of {size} leaves has no leaf {index}"
        raise ValueError(msg)
    start, end = 0, size
    plan: Plan = []
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            plan.append(subtrees(middle, end))
            end = middle
        else:
            plan.append(subtrees(start, middle))
            start = middle
    plan.reverse()
    return plan


def plan_consistency(old_size: int, size: int) -> Plan:
    """What proves that the tree of `size` leaves starts with the tree of `old_size` (RFC 6962 §2.1.2).

    Raises:
        ValueError: the old tree is empty or larger than the new one.
    """
    if not 0 < old_size <= size:
        msg = f"no consistency proof leads from size {old_size} to size {size}"
        raise ValueError(msg)
    start, end = 0, size
    plan: Plan = []
    while end != old_size:
        middle = _split(start, end)
        if old_size <= middle:
            plan.append(subtrees(middle, end))
            end = middle
        else:
            plan.append(subtrees(start, middle))
            start = middle
    if start:
        plan.append(subtrees(start, end))
    plan.reverse()
    return plan


def plan_range(first: int, end: int, size: int) -> RangePlan:
    """What completes the leaves `[first, end)` to the root of `size` leaves: at most two hashes per level in all.

    Raises:
        ValueError: the range is not inside the tree.
    """
    if not 0 <= first <= end <= size:
        msg = f"[{first}, {end}) is not a range of a tree of {size} leaves"
        raise ValueError(msg)
    return RangePlan(left=subtrees(0, first), right=subtrees(end, size))


def subtrees(start: int, end: int) -> list[Node]:
    """The fewest perfect subtrees that cover the leaves `[start, end)`, left to right."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def tile_of(node: Node) -> tuple[int, int]:
    """Level and position of the tile from which a subtree's hash is computed."""
    return node.level // TILE_HEIGHT, node.position << node.level % TILE_HEIGHT >> TILE_HEIGHT


def tiles_of(nodes: Iterable[Node], known: Mapping[Node, bytes] | None = None) -> set[tuple[int, int]]:
    """The tiles to fetch before resolving, as (level, position); subtrees already `known` need none."""
    return {tile_of(node) for node in nodes if not known or node not in known}


def _split(start: int, end: int) -> int:
    """Where RFC 6962 splits a tree: after the largest power of two smaller than its size."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _pyramid(tile: bytes) -> list[list[bytes]]:
    """A tile's hashes and the rows above them, up to one level below the next tile level."""
    rows = [split_hashes(tile)]
    for _ in range(TILE_HEIGHT - 1):
        rows.append(parents(rows[-1]))
    return rows
