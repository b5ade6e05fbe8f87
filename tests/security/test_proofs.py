"""Inclusion, consistency and range proofs against a naive tree and published vectors."""

import base64
import json
import os
from functools import cache
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from woaas.audit import merkle
from woaas_security.audit.proofs import (
    NodeHashes,
    plan_consistency,
    plan_inclusion,
    plan_range,
    subtrees,
    tiles_of,
)
from woaas_security.audit.tree import TILE_WIDTH, Frontier, Node, leaf_hashes, node_hash, parents

VECTORS = Path(os.environ.get("WOAAS_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tlog_vectors"
LEAVES = leaf_hashes(str(number).encode() for number in range(1200))
sizes = st.integers(1, len(LEAVES))


@cache
def naive_root(start, end):
    if end - start == 1:
        return LEAVES[start]
    middle = split(start, end)
    return node_hash(naive_root(start, middle), naive_root(middle, end))


def split(start, end):
    width = 1
    while width * 2 < end - start:
        width *= 2
    return start + width


def naive_inclusion(index, start, end):
    if end - start == 1:
        return []
    middle = split(start, end)
    if index < middle:
        return [*naive_inclusion(index, start, middle), naive_root(middle, end)]
    return [*naive_inclusion(index, middle, end), naive_root(start, middle)]


def naive_consistency(old_size, start, end, whole):
    if old_size == end:
        return [] if whole else [naive_root(start, end)]
    middle = split(start, end)
    if old_size <= middle:
        return [*naive_consistency(old_size, start, middle, whole), naive_root(middle, end)]
    return [*naive_consistency(old_size, middle, end, False), naive_root(start, middle)]


class Tiles:
    """All tiles of a tree, full and open, with a count of the reads."""

    def __init__(self, leaves):
        self.reads = []
        self.rows = [leaves]
        while len(self.rows[-1]) > 1:
            row = self.rows[-1]
            for _ in range(8):
                row = parents(row)
            self.rows.append(row)

    def __call__(self, level, index):
        self.reads.append((level, index))
        return b"".join(self.rows[level][index * TILE_WIDTH : (index + 1) * TILE_WIDTH])


class TestInclusion:
    @given(sizes, st.data())
    def test_proof_equals_the_recursive_definition(self, size, data):
        index = data.draw(st.integers(0, size - 1))
        proof = NodeHashes(Tiles(LEAVES[:size])).resolve(plan_inclusion(index, size))
        assert proof == naive_inclusion(index, 0, size)
        assert merkle.root_from_inclusion(LEAVES[index], index, size, proof) == naive_root(0, size)

    @given(sizes, st.data())
    def test_proof_for_an_old_size_reads_the_same_from_a_grown_log(self, size, data):
        index = data.draw(st.integers(0, size - 1))
        proof = NodeHashes(Tiles(LEAVES)).resolve(plan_inclusion(index, size))
        assert proof == naive_inclusion(index, 0, size)

    @given(sizes, st.data())
    def test_frontier_replaces_the_tiles_of_the_right_edge(self, size, data):
        index = data.draw(st.integers(0, size - 1))
        frontier, tiles = Frontier(), Tiles(LEAVES[:size])
        frontier.extend(LEAVES[:size])
        proof = NodeHashes(tiles, frontier.peaks()).resolve(plan_inclusion(index, size))
        assert proof == naive_inclusion(index, 0, size)
        assert len(tiles.reads) <= 2

    @given(st.integers(0, 2**24 - 1), st.integers(1, 2**24))
    def test_three_tiles_suffice_up_to_16_million_leaves(self, index, size):
        assume(index < size)
        peaks = subtrees(0, size)
        nodes = [node for nodes in plan_inclusion(index, size) for node in nodes]
        assert len(plan_inclusion(index, size)) <= 24
        assert len(tiles_of(nodes, dict.fromkeys(peaks, b"known"))) <= 3
        assert len(tiles_of(nodes)) <= 5

    @pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (9, 3)])
    def test_a_leaf_outside_the_tree_has_no_proof(self, index, size):
        with pytest.raises(ValueError, match="has no leaf"):
            plan_inclusion(index, size)

    def test_a_tree_that_has_not_grown_so_far_is_reported(self):
        with pytest.raises(LookupError, match="does not reach"):
            NodeHashes(Tiles(LEAVES[:10])).resolve(plan_inclusion(3, 20))


class TestConsistency:
    @given(sizes, st.data())
    def test_proof_equals_the_recursive_definition(self, size, data):
        old = data.draw(st.integers(1, size))
        proof = NodeHashes(Tiles(LEAVES[:size])).resolve(plan_consistency(old, size))
        assert proof == naive_consistency(old, 0, size, True)
        assert merkle.is_consistent(old, size, naive_root(0, old), naive_root(0, size), proof)

    @given(sizes, st.data())
    def test_another_root_or_a_changed_proof_is_not_consistent(self, size, data):
        old = data.draw(st.integers(1, size))
        proof = NodeHashes(Tiles(LEAVES[:size])).resolve(plan_consistency(old, size))
        roots = naive_root(0, old), naive_root(0, size)
        assert not merkle.is_consistent(old, size, bytes(32), roots[1], proof)
        assert not merkle.is_consistent(old, size, roots[0], bytes(32), proof)
        assert not merkle.is_consistent(old, size, *roots, [*proof, bytes(32)])
        if proof:
            place = data.draw(st.integers(0, len(proof) - 1))
            assert not merkle.is_consistent(old, size, *roots, [*proof[:place], bytes(32), *proof[place + 1 :]])
            assert not merkle.is_consistent(old, size, *roots, proof[:-1])

    @pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 5), (-1, 5), (6, 5)])
    def test_no_proof_leads_from_nothing_or_backwards(self, old, size):
        with pytest.raises(ValueError, match="no consistency proof"):
            plan_consistency(old, size)
        assert not merkle.is_consistent(old, size, bytes(32), bytes(32), [])


class TestRange:
    @given(sizes, st.data())
    def test_range_and_its_edges_make_the_root(self, size, data):
        first = data.draw(st.integers(0, size))
        end = data.draw(st.integers(first, size))
        hashes = NodeHashes(Tiles(LEAVES[:size]))
        plan = plan_range(first, end, size)
        left, right = [hashes(node) for node in plan.left], [hashes(node) for node in plan.right]
        fold = merkle.RangeFold(first, left)
        middle = data.draw(st.integers(first, end))
        for leaves in (LEAVES[first:middle], LEAVES[middle:end]):
            fold.extend(leaves)
        assert fold.root_with(right, size) == naive_root(0, size)
        assert len(left) + len(right) <= 3 * size.bit_length()

    @pytest.mark.parametrize(("first", "end", "size"), [(-1, 2, 3), (2, 1, 3), (0, 4, 3)])
    def test_a_range_outside_the_tree_is_refused(self, first, end, size):
        with pytest.raises(ValueError, match="is not a range"):
            plan_range(first, end, size)

    def test_subtrees_are_the_fewest_that_cover_a_range(self):
        assert subtrees(3, 13) == [Node(0, 3), Node(2, 1), Node(2, 2), Node(0, 12)]


def published(kind):
    folder = VECTORS / "transparency-dev-merkle" / "testdata" / kind
    return sorted(folder.rglob("*.json")) if folder.is_dir() else []


class TestPublishedVectors:
    def test_inclusion_verdicts_agree(self):
        cases = [json.loads(path.read_text()) for path in published("inclusion")]
        if not cases:
            pytest.skip("shared data tlog_vectors is absent (set WOAAS_SHARED_DATA)")
        for case in cases:
            root, leaf = base64.b64decode(case["root"] or ""), base64.b64decode(case["leafHash"] or "")
            proof = [base64.b64decode(part) for part in case["proof"] or []]
            found = merkle.root_from_inclusion(leaf, case["leafIdx"], case["treeSize"], proof)
            assert (found is None or found != root) == case["wantErr"], case["desc"]

    def test_consistency_verdicts_agree(self):
        cases = [json.loads(path.read_text()) for path in published("consistency")]
        if not cases:
            pytest.skip("shared data has no consistency vectors")
        for case in cases:
            roots = [base64.b64decode(case[key] or "") for key in ("root1", "root2")]
            proof = [base64.b64decode(part) for part in case["proof"] or []]
            agrees = merkle.is_consistent(case["size1"], case["size2"], *roots, proof)
            assert agrees != case["wantErr"], case["desc"]
