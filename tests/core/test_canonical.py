"""Canonical JSON against the rfc8785 package, and commitments."""

import base64
import hashlib
import hmac
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from woaas_core.events.canonical import MAX_INTEGER, NotCanonical, canonical, commit, commit_fields, opens

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


class TestCanonical:
    @given(values)
    @example({"\U0001f600": 1, "\ufb33": 2, "a": [{"\U00010000": 3, "\uffff": 4}]})
    @example({chr(code): chr(code) for code in [*range(0x20), 0x7F, 0x2028, 0x2029, 0xFEFF]})
    def test_bytes_are_those_of_rfc_8785(self, value):
        assert canonical(value) == rfc8785.dumps(value)

    @given(
        st.dictionaries(
            st.text(st.sampled_from("a\u00e9\ud7ff\ue000\uffff\U00010000\U0001f600"), max_size=3), st.none()
        )
    )
    def test_keys_are_sorted_by_utf_16_unit(self, value):
        assert canonical(value) == rfc8785.dumps(value)

    @given(st.dictionaries(texts, values, min_size=2, max_size=6))
    def test_order_of_insertion_does_not_matter(self, value):
        assert canonical(dict(reversed(value.items()))) == canonical(value)

    def test_tuples_are_written_as_lists(self):
        assert canonical({"version": (None, 1)}) == b'{"version":[null,1]}'

    @pytest.mark.parametrize(
        "value",
        [1.0, 2**53, -(2**53), "\ud800", {"\udfff": 1}, {1: 2}, b"x", {"a": [{"b": 0.5}]}, {1}, Colour.RED, object()],
    )
    def test_everything_else_is_refused(self, value):
        with pytest.raises(NotCanonical):
            canonical(value)


class TestCommitments:
    def test_commitment_is_the_hmac_of_the_canonical_value(self):
        salt, commitment = commit({"b": 1, "a": "x"})
        expected = hmac.new(salt, b'{"a":"x","b":1}', hashlib.sha256).digest()
        assert len(salt) == 32
        assert base64.b64decode(commitment) == expected

    def test_equal_values_do_not_show_as_equal(self):
        sealed = commit_fields({"first": "10.50", "second": "10.50"})
        assert sealed["first"] != sealed["second"]
        assert commit("10.50") != commit("10.50")

    @given(values, values)
    def test_only_the_committed_value_opens(self, value, other):
        salt, commitment = commit(value)
        assert opens(commitment, salt, value)
        assert opens(commitment, salt, other) == (canonical(other) == canonical(value))
        assert not opens(commitment, bytes(32), value)
        assert not opens(commitment, salt + b"\x00", value)
