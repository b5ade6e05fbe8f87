"""Ids: order, round trip, and what is not an id."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.errors import NotFound
from woaas_core.ids import decode_id, encode_id, try_decode_id, uuid7

ANY_UUID = st.uuids()


class TestUuid7:
    def test_ids_made_one_after_the_other_ascend_as_uuid_and_as_text(self) -> None:
        made = [uuid7() for _ in range(20_000)]
        assert made == sorted(made)
        assert len(set(made)) == len(made)
        assert [encode_id("wo", u) for u in made] == sorted(encode_id("wo", u) for u in made)

    def test_version_and_variant_are_those_of_rfc_9562(self) -> None:
        for _ in range(100):
            made = uuid7()
            assert made.version == 7
            assert made.variant == "specified in RFC 4122"


class TestText:
    @given(ANY_UUID)
    def test_round_trip(self, value: UUID) -> None:
        text = encode_id("op", value)
        assert len(text) == 29
        assert decode_id("op", text) == value

    @given(ANY_UUID, ANY_UUID)
    def test_text_sorts_as_the_uuid(self, a: UUID, b: UUID) -> None:
        assert (encode_id("x", a) < encode_id("x", b)) == (a < b)

    @given(ANY_UUID)
    def test_another_prefix_is_not_found(self, value: UUID) -> None:
        with pytest.raises(NotFound):
            decode_id("wo", encode_id("op", value))

    @given(st.text(max_size=40))
    def test_any_other_text_is_refused_or_canonical(self, text: str) -> None:
        found = try_decode_id("wo", text)
        assert found is None or encode_id("wo", found) == text

    @pytest.mark.parametrize(
        "text",
        ["", "wo", "wo_", "_" + "0" * 26, "wo_" + "0" * 25, "wo_" + "0" * 27, "wo_8" + "0" * 25, "WO_" + "0" * 26,
         "wo_" + "0" * 25 + "l", "wo_" + "0" * 25 + "A", "wo_" + "0" * 25 + "é", "wo_" + "0" * 25 + "\n"],
    )  # fmt: skip
    def test_malformed_text_is_no_id(self, text: str) -> None:
        assert try_decode_id("wo", text) is None

    def test_the_largest_uuid_fits(self) -> None:
        assert try_decode_id("wo", "wo_7" + "z" * 25) == UUID(int=2**128 - 1)
