"""Full tiles of 256 hashes, the immutable files of a C2SP tlog-tiles log.

Only full tiles are stored. What a row has beyond its last full tile is its *open tile*: at level 0 the newest leaf
hashes of the log, above it the roots of the newest full tiles of the level below.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from .tree import HASH_SIZE, TILE_WIDTH, Growth

TILE_BYTES = TILE_WIDTH * HASH_SIZE


@dataclass(frozen=True, slots=True)
class OpenTile:
    """The open end of one row of tiles: tile `index` of `level` holds `width` of its 256 hashes so far."""

    level: int
    index: int
    width: int


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that will never change: 8 KiB of hashes and the root over them, which is a hash of the level above."""

    level: int
    index: int
    hashes: bytes
    root: bytes


def open_tiles_to_fill(size: int, count: int) -> list[OpenTile]:
    """The open tiles which appending `count` leaves to a tree of `size` fills: read them before `full_tiles`."""
    tiles = []
    level = 0
    before, after = size, size + count
    while after // TILE_WIDTH > before // TILE_WIDTH:
        if before % TILE_WIDTH:
            tiles.append(OpenTile(level, before // TILE_WIDTH, before % TILE_WIDTH))
        before, after, level = before // TILE_WIDTH, after // TILE_WIDTH, level + 1
    return tiles


def full_tiles(growth: Iterable[Growth], open_hashes: Mapping[int, bytes]) -> list[FullTile]:
    """The tiles that growth filled, lowest level first.

    `open_hashes` maps a tile level to the bytes of its open tile, for those that `open_tiles_to_fill` named.

    Raises:
        ValueError: an open tile is missing or has not the width that the tree's size demands.
    """
    rows = list(growth)
    tiles: list[FullTile] = []
    for row, above in pairwise(rows):
        filled = row.first % TILE_WIDTH
        start = open_hashes.get(row.tile_level, b"") if filled else b""
        if len(start) != filled * HASH_SIZE:
            msg = f"the open tile of level {row.tile_level} has {len(start) // HASH_SIZE} hashes instead of {filled}"
            raise ValueError(msg)
        joined = start + b"".join(row.hashes)
        first_tile = row.first // TILE_WIDTH
        tiles.extend(
            FullTile(row.tile_level, first_tile + place, joined[place * TILE_BYTES : (place + 1) * TILE_BYTES], root)
            for place, root in enumerate(above.hashes)
        )
    return tiles


def split_hashes(tile: bytes) -> list[bytes]:
    """The hashes of a full or open tile, in order."""
    return [tile[start : start + HASH_SIZE] for start in range(0, len(tile), HASH_SIZE)]
