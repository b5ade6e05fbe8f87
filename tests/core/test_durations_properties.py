"""Durations: one canonical form out, and it reads back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.durations import format_duration, parse_duration

POSITIVE = st.timedeltas(timedelta(0), timedelta(days=99_999))


class TestRoundTrip:
    @given(POSITIVE)
    def test_what_is_written_reads_back(self, value: timedelta) -> None:
        assert parse_duration(format_duration(value)) == value

    @given(POSITIVE)
    def test_the_canonical_form_is_a_fixed_point(self, value: timedelta) -> None:
        text = format_duration(value)
        assert format_duration(parse_duration(text)) == text

    @pytest.mark.parametrize(
        ("text", "canonical"),
        [("PT90M", "PT1H30M"), ("PT0S", "PT0S"), ("P0D", "PT0S"), ("PT24H", "P1D"), ("P2W", "P14D"),
         ("PT3600S", "PT1H"), ("PT0.5S", "PT0.5S"), ("P1DT1S", "P1DT1S"), ("PT1.000001S", "PT1.000001S")],
    )  # fmt: skip
    def test_canonical_forms(self, text: str, canonical: str) -> None:
        assert format_duration(parse_duration(text)) == canonical


class TestRefused:
    @pytest.mark.parametrize(
        "text",
        ["", "P", "PT", "P1Y", "P1M", "1H", "PT1H ", " PT1H", "PT-1H", "-PT1H", "pt1h", "PT1S1H", "P1DT", "P1W1D",
         "PT1.5H", "PT١H", "PT1H\n", "PT1,5S", "P" + "9" * 100 + "D"],
    )  # fmt: skip
    def test_anything_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="duration"):
            parse_duration(text)
