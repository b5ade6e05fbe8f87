"""Canonical JSON against an implementation of RFC 8785 that nobody here wrote."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.events.canonical import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SAFE = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), SAFE, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXT, inner, max_size=6)),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


def test_names_sort_by_utf_16_units() -> None:
    """U+1F600 is two units from 0xD83D on and so comes before U+E000 although its code point is higher."""
    value = {"\ue000": 1, "\U0001f600": 2, "deep": [{"\uffff": 1, "\U00010000": {"\U0001f600": 0, "\uf000": 0}}]}
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.0, float("nan"), {"a": [0.5]}, 2**53, {"deep": {"n": -(2**60)}}])
def test_numbers_that_json_readers_disagree_on_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="canonical"):
        canonical(value)
