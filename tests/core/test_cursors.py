"""Cursors: sealed, and bound to their query."""

import base64
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.errors import InvalidCursor
from woaas_core.pagination import CursorCodec

CODEC = CursorCodec(b"secret" * 6)
VALUES = st.lists(st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text()), max_size=5)


@given(VALUES, st.text())
def test_round_trip(values: list[object], bound_to: str) -> None:
    assert CODEC.open(CODEC.seal(values, bound_to=bound_to), bound_to=bound_to) == values


@given(VALUES, st.text(), st.text())
def test_another_query_refuses_it(values: list[object], one: str, other: str) -> None:
    cursor = CODEC.seal(values, bound_to=one)
    if one != other:
        with pytest.raises(InvalidCursor):
            CODEC.open(cursor, bound_to=other)


@given(st.data())
def test_an_altered_one_is_refused(data: st.DataObject) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CODEC.seal(["2026-01-01", None, 7], bound_to="q") + "=="))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidCursor):
        CODEC.open(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), bound_to="q")


@given(st.text(max_size=60) | st.text(ascii_letters + "=-_", max_size=60))
def test_text_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        CODEC.open(text, bound_to="q")


def test_another_server_key_refuses_it() -> None:
    with pytest.raises(InvalidCursor):
        CursorCodec(b"another" * 6).open(CODEC.seal([1], bound_to="q"), bound_to="q")
