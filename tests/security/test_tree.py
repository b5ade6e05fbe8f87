"""RFC 6962 hashing, the frontier and full tiles."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_security.audit.tiles import TILE_BYTES, OpenTile, full_tiles, open_tiles_to_fill, split_hashes
from woaas_security.audit.tree import (
    EMPTY_ROOT,
    TILE_WIDTH,
    Frontier,
    fold,
    leaf_hash,
    leaf_hashes,
    node_hash,
    parents,
)

VECTORS = Path(os.environ.get("WOAAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tlog_vectors"


def naive_root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    middle = 1
    while middle * 2 < len(hashes):
        middle *= 2
    return node_hash(naive_root(hashes[:middle]), naive_root(hashes[middle:]))


def numbered(count, start=0):
    return leaf_hashes(str(number).encode() for number in range(start, start + count))


class TestHashes:
    def test_empty_tree_and_empty_leaf_have_the_known_hashes(self):
        assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

    def test_leaf_and_node_of_the_same_bytes_differ(self):
        left, right = leaf_hash(b"a"), leaf_hash(b"b")
        assert node_hash(left, right) != leaf_hash(left + right)

    def test_parents_leave_out_an_odd_last_hash(self):
        a, b, c = numbered(3)
        assert parents([a, b, c]) == [node_hash(a, b)]

    def test_fold_hashes_from_the_right(self):
        a, b, c = numbered(3)
        assert fold([a, b, c]) == node_hash(a, node_hash(b, c))
        assert fold([]) == EMPTY_ROOT


class TestFrontier:
    def test_roots_match_the_certificate_transparency_vectors(self, published_roots):
        inputs, roots = published_roots
        frontier = Frontier()
        for content, root in zip(inputs, roots, strict=True):
            frontier.extend([leaf_hash(content)])
            assert frontier.root() == root

    @pytest.mark.parametrize("size", [*range(70), 255, 256, 257, 511, 512, 1000])
    def test_root_is_that_of_the_whole_tree(self, size):
        frontier = Frontier()
        frontier.extend(numbered(size))
        assert frontier.size == size
        assert frontier.root() == naive_root(numbered(size))

    @given(st.lists(st.integers(0, 300), max_size=8))
    def test_batches_do_not_matter(self, batches):
        batched, whole = Frontier(), Frontier()
        for count in batches:
            batched.extend(numbered(count, batched.size))
            batched = Frontier.from_bytes(batched.to_bytes())
        whole.extend(numbered(sum(batches)))
        assert batched.to_bytes() == whole.to_bytes()
        assert batched.root() == naive_root(numbered(sum(batches)))

    def test_a_frontier_never_holds_more_than_64_hashes(self):
        size = 2**64 - 1
        stored = size.to_bytes(8, "big") + bytes(64 * 32)
        assert Frontier.from_bytes(stored).to_bytes() == stored

    @pytest.mark.parametrize("stored", [b"", b"\x00" * 7, bytes(8) + bytes(32), (5).to_bytes(8, "big") + bytes(32)])
    def test_a_damaged_frontier_is_refused(self, stored):
        with pytest.raises(ValueError, match=r"frontier|size"):
            Frontier.from_bytes(stored)

    def test_whole_subtrees_extend_like_their_leaves(self):
        hashes = numbered(16)
        leaf_by_leaf, by_subtree = Frontier(), Frontier()
        leaf_by_leaf.extend(hashes)
        by_subtree.extend(hashes[:8])
        by_subtree.extend(parents(parents(hashes[8:])), level=2)
        assert by_subtree.root() == leaf_by_leaf.root()

    def test_a_subtree_too_large_for_its_place_is_refused(self):
        frontier = Frontier()
        frontier.extend(numbered(3))
        with pytest.raises(ValueError, match="cannot start at leaf 3"):
            frontier.extend([leaf_hash(b"")], level=1)

    def test_peaks_name_the_perfect_subtrees(self):
        frontier = Frontier()
        frontier.extend(numbered(11))
        assert [(node.level, node.position) for node in frontier.peaks()] == [(3, 0), (1, 4), (0, 10)]
        assert fold(list(frontier.peaks().values())) == frontier.root()


class TestTiles:
    @given(st.lists(st.integers(0, 700), min_size=1, max_size=6))
    def test_tiles_hold_every_full_row_of_256(self, batches):
        frontier, tiles, leaves = Frontier(), {}, []
        for count in batches:
            needed = open_tiles_to_fill(frontier.size, count)
            open_hashes = {tile.level: open_tile(tile, tiles, leaves) for tile in needed}
            size = frontier.size
            growth = frontier.extend(numbered(count, size))
            leaves += numbered(count, size)
            tiles |= {(tile.level, tile.index): tile for tile in full_tiles(growth, open_hashes)}
        assert sorted(index for level, index in tiles if level == 0) == list(range(len(leaves) // TILE_WIDTH))
        for (level, index), tile in tiles.items():
            span = TILE_WIDTH ** (level + 1)
            assert len(tile.hashes) == TILE_BYTES
            assert tile.root == naive_root(leaves[index * span : (index + 1) * span])

    def test_two_levels_fill_together(self):
        frontier = Frontier()
        first = full_tiles(frontier.extend(numbered(65_000)), {})
        assert len(first) == 253
        needed = open_tiles_to_fill(65_000, 1_000)
        assert needed == [OpenTile(0, 253, 232), OpenTile(1, 0, 253)]
        below = b"".join(tile.root for tile in first)
        rest = full_tiles(frontier.extend(numbered(1_000, 65_000)), {0: b"".join(numbered(232, 64_768)), 1: below})
        assert [(tile.level, tile.index) for tile in rest] == [(0, 253), (0, 254), (0, 255), (0, 256), (1, 0)]
        whole = Frontier()
        whole.extend(numbered(65_536))
        assert rest[-1].root == whole.root()

    def test_a_missing_open_tile_is_refused(self):
        frontier = Frontier()
        frontier.extend(numbered(100))
        growth = frontier.extend(numbered(200, 100))
        with pytest.raises(ValueError, match="0 hashes instead of 100"):
            full_tiles(growth, {})

    def test_split_hashes_reads_back_a_tile(self):
        assert split_hashes(b"".join(numbered(5))) == numbered(5)


class TestPublishedTileLog:
    def test_tiles_and_roots_match_the_tessera_log(self):
        log = VECTORS / "tessera" / "log"
        if not log.is_dir():
            pytest.skip("shared data tlog_vectors is absent (set WOAAS_SHARED_DATA)")
        frontier = Frontier()
        for size in range(1, 16):
            tile = (log / "tile" / "0" / "000.p" / str(size)).read_bytes()
            frontier.extend(split_hashes(tile)[size - 1 :])
            published = (log / f"checkpoint.{size}").read_text().splitlines()
            assert base64.b64encode(frontier.root()).decode() == published[2]


def open_tile(tile, tiles, leaves):
    """What the store would hold: newest leaves, or the roots of the newest full tiles below."""
    start = tile.index * TILE_WIDTH
    if tile.level == 0:
        return b"".join(leaves[start : start + tile.width])
    return b"".join(tiles[tile.level - 1, start + place].root for place in range(tile.width))


@pytest.fixture
def published_roots():
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    return [bytes.fromhex(content) for content in inputs], [bytes.fromhex(root) for root in roots]
