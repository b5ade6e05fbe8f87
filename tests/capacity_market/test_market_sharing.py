from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_capacity_market.models import market_teasers
from woaas_capacity_market.settlement import split
from woaas_capacity_market.sharing import TEASER_FIELDS, Level, digest_of, quantity_band, shared_fields
from woaas_core.money import Currency, Money
from woaas_work_orders.orders.models import operations, work_orders
from woaas_work_orders.orders.resources import OPERATION

READABLE = frozenset(f.name for f in OPERATION.fields)
ORDER = {c.name: f"order {c.name}" for c in work_orders.columns}
STEP = {c.name: f"step {c.name}" for c in operations.columns} | {"custom_fields": {"hardness": "58", "secret": "x"}}


class TestLadder:
    def test_the_teaser_carries_nothing_of_the_order(self) -> None:
        assert shared_fields(Level.TEASER, ORDER, STEP, readable=READABLE, named=["hardness"]) == {}

    def test_the_board_has_the_teasers_columns_and_no_others(self) -> None:
        assert {c.name for c in market_teasers.columns} == TEASER_FIELDS | {"id", "livemode", "party_id", "expires_at"}

    def test_each_level_carries_exactly_this(self) -> None:
        nda = shared_fields(Level.NDA, ORDER, STEP, readable=READABLE, named=["hardness"])
        package = shared_fields(Level.PACKAGE, ORDER, STEP, readable=READABLE, named=["hardness"])
        assert set(nda) == {"quantity", "unit", "inspection_required"}
        assert set(package) == {
            *("quantity", "unit", "name", "materials", "skills", "inspection_required", "custom_fields")
        }
        assert package["custom_fields"] == {"hardness": "58"}

    def test_custom_fields_stay_unless_named(self) -> None:
        assert "custom_fields" not in shared_fields(Level.PACKAGE, ORDER, STEP, readable=READABLE)

    def test_nobody_passes_on_what_he_cannot_read(self) -> None:
        shown = shared_fields(Level.PACKAGE, ORDER, STEP, readable={"name"}, named=["hardness"])
        assert set(shown) == {"quantity", "unit", "name"}

    def test_the_digest_is_of_the_content_and_not_of_its_order(self) -> None:
        assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        assert digest_of({"a": 1}) != digest_of({"a": 2})


class TestBand:
    @pytest.mark.parametrize(
        ("quantity", "band"),
        [("0.5", "0-1"), ("1", "1-9"), ("9.5", "1-9"), ("10", "10-49"), ("499", "100-499"), ("70000", "10000+")],
    )
    def test_bands(self, quantity: str, band: str) -> None:
        assert quantity_band(Decimal(quantity)) == band


class TestSplit:
    @given(st.integers(0, 10**15), st.sampled_from(["CNY", "JPY", "KWD"]))
    def test_gross_is_fee_plus_net_to_the_minor_unit(self, minor: int, currency: str) -> None:
        parts = split(Money(minor, Currency(currency)))
        assert parts.gross == parts.fee + parts.net
        assert parts.gross.amount_minor == minor
        assert abs(parts.fee.amount_minor * 20 - minor) <= 10

    @pytest.mark.parametrize(("gross", "fee"), [(10, 1), (9, 0), (29, 1), (30, 2), (1, 0), (98_700, 4_935)])
    def test_the_fee_is_rounded_half_up(self, gross: int, fee: int) -> None:
        assert split(Money(gross, Currency("CNY"))).fee.amount_minor == fee
