"""Checks of RFC 6962 proofs, written apart from the server that makes them."""

import hashlib
from collections.abc import Sequence

HASH_SIZE = 32
_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a log entry (RFC 6962 §2.1)."""
    return _sha256(b"\x00" + leaf).digest()


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root to which a leaf hash and its proof lead (RFC 9162 §2.1.3.2); None where the proof has not this shape."""
    if not 0 <= index < size or len(leaf) != HASH_SIZE:
        return None
    position, last = index, size - 1
    root = leaf
    for part in proof:
        if last == 0 or len(part) != HASH_SIZE:
            return None
        if position & 1 or position == last:
            root = _node(part, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = _node(root, part)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the larger tree starts with the smaller (RFC 9162 §2.1.4.2)."""
    if not 0 < old_size <= size or any(len(part) != HASH_SIZE for part in proof):
        return False
    if old_size == size:
        return not proof and old_root == root
    parts = list(proof)
    if old_size & (old_size - 1) == 0:
        parts.insert(0, old_root)
    if not parts:
        return False
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_found = found = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_found, found = _node(part, old_found), _node(part, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = _node(found, part)
        position, last = position >> 1, last >> 1
    return last == 0 and old_found == old_root and found == root


class RangeFold:
    """Folds the leaves of a contiguous range, in order, into the root of the tree that contains them.

    It starts from the roots of the perfect subtrees to the left of the range, largest first (none for a range from 0).
    Every hash has one place that the sizes fix, so a root that matches proves that no leaf is missing, added or moved.
    """

    def __init__(self, first: int, left: Sequence[bytes] = ()) -> None:
        levels = [level for level in reversed(range(first.bit_length())) if first >> level & 1]
        if len(levels) != len(left):
            msg = f"a range from {first} needs {len(levels)} hashes to its left, {len(left)} were given"
            raise ValueError(msg)
        self.size = first
        self._stack = [(level, root) for level, root in zip(levels, left, strict=True)]

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of the next leaves.

        They are folded by the largest perfect subtrees that begin at their place, a whole level at a time.
        """
        done = 0
        while done < len(leaves):
            level = (len(leaves) - done).bit_length() - 1
            if self.size:
                level = min(level, (self.size & -self.size).bit_length() - 1)
            row = leaves[done : done + (1 << level)]
            done += len(row)
            while len(row) > 1:
                row = [
                    _sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)
                ]
            self._push(level, row[0])

    def root(self) -> bytes:
        """Root of the tree that ends with the last leaf added."""
        if not self._stack:
            return hashlib.sha256(b"").digest()
        root = self._stack[-1][1]
        for _, left in reversed(self._stack[:-1]):
            root = _node(left, root)
        return root

    def root_with(self, right: Sequence[bytes], size: int) -> bytes:
        """Root of the tree of `size` leaves, given its perfect subtrees to the right of the range; ends the fold.

        Raises:
            ValueError: the number of subtrees does not fit.
        """
        parts = iter(right)
        used = 0
        while self.size < size:
            level = (size - self.size).bit_length() - 1
            if self.size:
                level = min(level, (self.size & -self.size).bit_length() - 1)
            root = next(parts, None)
            if root is None:
                break
            used += 1
            self._push(level, root)
        if self.size != size or used != len(right):
            msg = f"{len(right)} hashes to the right of the range do not complete it to {size} leaves"
            raise ValueError(msg)
        return self.root()

    def _push(self, level: int, root: bytes) -> None:
        self.size += 1 << level
        stack = self._stack
        while stack and stack[-1][0] == level:
            root = _node(stack.pop()[1], root)
            level += 1
        stack.append((level, root))


def _node(left: bytes, right: bytes) -> bytes:
    return _sha256(b"\x01" + left + right).digest()
