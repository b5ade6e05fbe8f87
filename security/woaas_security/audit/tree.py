"""Merkle tree hashing of RFC 6962 and the append-only right edge from which a log grows.

The frontier is all the state that appending needs: the roots of the perfect subtrees that make up the tree, at most one
per level. Growing it yields the new hashes of every eighth level, which are exactly what C2SP tiles hold.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple, Self

HASH_SIZE = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = sha256(b"").digest()


class Node(NamedTuple):
    """A perfect subtree: it covers the leaves `[position << level, (position + 1) << level)`."""

    level: int
    position: int


class Growth(NamedTuple):
    """The hashes that appending added to the row of tiles at one tile level; `first` is the position of the first."""

    tile_level: int
    first: int
    hashes: list[bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a log entry (RFC 6962 §2.1: 0x00 in front)."""
    return sha256(b"\x00" + leaf).digest()


def leaf_hashes(leaves: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of many entries."""
    return [sha256(b"\x00" + leaf).digest() for leaf in leaves]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962 §2.1: 0x01 in front)."""
    return sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """The row above: every two neighbours hashed; a last odd hash has no parent yet and is left out."""
    pairs = iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def fold(subtree_roots: Sequence[bytes]) -> bytes:
    """Root over adjacent subtrees of falling size, given left to right (RFC 6962 §2.1)."""
    if not subtree_roots:
        return EMPTY_ROOT
    root = subtree_roots[-1]
    for left in reversed(subtree_roots[:-1]):
        root = node_hash(left, root)
    return root


class Frontier:
    """The right edge of an append-only tree, from which it grows and its root follows.

    Grown from empty, or restored with `from_bytes`; a copy is `Frontier.from_bytes(frontier.to_bytes())`.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []  # by level; b"" where the tree has no perfect subtree of that level

    def extend(self, hashes: Sequence[bytes], level: int = 0) -> list[Growth]:
        """Append leaf hashes, or the roots of whole perfect subtrees of `level`; O(1) hashes per leaf.

        Returns what the rows of tiles gain, lowest first (meaningful for leaves only).

        Raises:
            ValueError: a subtree of this level cannot start at the present size.
        """
        if self.size % (1 << level):
            msg = f"a subtree of level {level} cannot start at leaf {self.size}"
            raise ValueError(msg)
        growth: list[Growth] = []
        size = self.size
        self.size += len(hashes) << level
        row = list(hashes)
        self._peaks.extend(b"" for _ in range(level - len(self._peaks)))
        while row:
            if level % TILE_HEIGHT == 0:
                growth.append(Growth(level // TILE_HEIGHT, size >> level, row.copy()))
            if level == len(self._peaks):
                self._peaks.append(b"")
            if self._peaks[level]:
                row.insert(0, self._peaks[level])
            self._peaks[level] = row.pop() if len(row) % 2 else b""
            row = parents(row)
            level += 1
        return growth

    def root(self) -> bytes:
        """Root of the tree as it stands; of the empty tree the hash of nothing."""
        return fold([peak for peak in reversed(self._peaks) if peak])

    def peaks(self) -> dict[Node, bytes]:
        """The perfect subtrees of the tree, largest first: `proofs.NodeHashes` needs no tile for these."""
        return {
            Node(level, (self.size >> level) - 1): self._peaks[level]
            for level in reversed(range(len(self._peaks)))
            if self._peaks[level]
        }

    def to_bytes(self) -> bytes:
        """Size as 8 big-endian bytes, then the peaks, largest first."""
        return self.size.to_bytes(8, "big") + b"".join(reversed(self._peaks))

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """The frontier that `to_bytes` wrote.

        Raises:
            ValueError: the length does not fit the size it states.
        """
        size = int.from_bytes(stored[:8], "big")
        if len(stored) != 8 + size.bit_count() * HASH_SIZE:
            msg = f"a frontier of size {size} has {size.bit_count()} hashes; {len(stored)} bytes were given"
            raise ValueError(msg)
        frontier = cls()
        frontier.size = size
        frontier._peaks = [b""] * size.bit_length()
        levels = (level for level in reversed(range(size.bit_length())) if size >> level & 1)
        for position, level in enumerate(levels):
            start = 8 + position * HASH_SIZE
            frontier._peaks[level] = stored[start : start + HASH_SIZE]
        return frontier
