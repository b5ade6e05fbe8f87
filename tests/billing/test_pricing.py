"""Rating against documented totals of other billing systems, and its properties."""

import json
import os
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_billing.pricing import (
    Graduated,
    Package,
    PerUnit,
    Price,
    Tier,
    Volume,
    graduated_between,
    rate,
    read_price,
    total,
    units_within,
)
from woaas_core.money import Currency, Money

CNY = Currency("CNY")
SHARED = Path(os.environ.get("WOAAS_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")
EXAMPLES = SHARED / "billing_examples.json"
MODELS = ("per_unit", "graduated", "volume", "package")
STANDARD = Graduated(
    tiers=(
        Tier(Decimal(10), Decimal(0)),
        Tier(Decimal(100), Decimal("2.00")),
        Tier(None, Decimal("1.50")),
    )
)

unit_prices = st.decimals(min_value=0, max_value=1000, places=12)
quantities = st.decimals(min_value=0, max_value=1_000_000, places=6)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Tiers with rising bounds, unit prices to twelve places and sometimes a flat amount."""
    bounds = sorted(draw(st.sets(st.decimals(min_value=1, max_value=100_000, places=3), max_size=4)))
    return tuple(Tier(bound, draw(unit_prices), draw(unit_prices)) for bound in (*bounds, None))


graduated = st.builds(Graduated, tiers=tiers(), minimum=st.none() | unit_prices)
packages = st.builds(Package, amount=unit_prices, size=st.integers(1, 500).map(Decimal), free=quantities)
growing = graduated | packages | st.builds(PerUnit, unit=unit_prices)
prices = growing | st.builds(Volume, tiers=tiers())


def cost(price: Price, quantity: Decimal) -> Decimal:
    """The exact cost of a quantity."""
    return sum((c.exact for c in rate(price, quantity)), Decimal(0))


class TestDocumentedTotals:
    def test_each_to_the_cent(self) -> None:
        if not EXAMPLES.is_file():
            pytest.skip(f"{EXAMPLES.name} is not here; WOAAS_SHARED_DATA names its folder")
        examples: list[dict[str, Any]] = json.loads(EXAMPLES.read_text())["examples"]
        rated = [e for e in examples if e["model"] in MODELS]
        assert len(rated) >= 8
        for example in rated:
            price = read_price({"model": example["model"], **example["price"]})
            amount = total(rate(price, Decimal(example["units"])), Currency(example["currency"]))
            assert amount.text() == example["expected_total"], example["id"]

    @pytest.mark.parametrize(
        ("orders", "amount"),
        [(0, "0.00"), (10, "0.00"), (11, "2.00"), (12, "4.00"), (100, "180.00"), (101, "181.50"), (1000, "1530.00")],
    )
    def test_the_standard_plan(self, orders: int, amount: str) -> None:
        assert total(rate(STANDARD, Decimal(orders)), CNY).text() == amount

    def test_volume_may_cost_less_for_more(self) -> None:
        price = Volume(tiers=(Tier(Decimal(100), Decimal(2), Decimal(10)), Tier(None, Decimal(1))))
        assert (cost(price, Decimal(100)), cost(price, Decimal(101))) == (210, 101)

    def test_a_started_package_is_due_in_full(self) -> None:
        price = Package(amount=Decimal(5), size=Decimal(100))
        assert [cost(price, Decimal(q)) for q in (0, 1, 100, 101)] == [0, 5, 5, 10]

    def test_a_half_cent_rounds_up_and_not_to_even(self) -> None:
        assert total(rate(PerUnit(unit=Decimal("10.005")), Decimal(1)), CNY).text() == "10.01"
        assert total(rate(PerUnit(unit=Decimal("0.5")), Decimal(1)), Currency("JPY")).text() == "1"


class TestProperties:
    @given(tiers(), st.lists(quantities, min_size=1, max_size=6))
    def test_graduated_increments_sum_to_the_whole_in_any_split(
        self, steps: tuple[Tier, ...], cuts: list[Decimal]
    ) -> None:
        points = [Decimal(0), *sorted(cuts)]
        parts = [c.exact for a, b in pairwise(points) for c in graduated_between(steps, a, b)]
        assert sum(parts, Decimal(0)) == cost(Graduated(tiers=steps), points[-1])

    @given(growing, quantities, quantities)
    def test_more_never_costs_less(self, price: Price, a: Decimal, b: Decimal) -> None:
        low, high = sorted((a, b))
        assert cost(price, low) <= cost(price, high)
        if price.minimum is None:
            assert total(rate(price, low), CNY) <= total(rate(price, high), CNY)

    @given(prices, quantities)
    def test_the_lines_hold_every_unit_and_no_line_is_off_by_more_than_half_a_cent(
        self, price: Price, quantity: Decimal
    ) -> None:
        charges = rate(price, quantity)
        assert sum((c.quantity for c in charges), Decimal(0)) == quantity
        for charge in charges:
            assert abs(charge.amount(CNY).decimal - charge.exact) <= Decimal("0.005")
            assert charge.amount(CNY).decimal == charge.exact.quantize(Decimal("0.01"), ROUND_HALF_UP)

    @given(graduated, quantities)
    def test_a_minimum_is_reached_by_a_line_of_its_own(self, price: Graduated, quantity: Decimal) -> None:
        charges = rate(price, quantity)
        assert cost(price, quantity) >= (price.minimum or 0)
        assert [c.kind for c in charges].count("true_up") <= 1

    @given(growing | st.builds(Volume, tiers=tiers()), st.integers(0, 10**9), st.integers(0, 500))
    def test_what_fits_under_a_limit_fits_and_one_more_does_not(self, price: Price, minor: int, billed: int) -> None:
        limit, after = Money(minor, CNY), Decimal(billed)
        fitting = units_within(price, limit, after=after)
        if fitting is None:
            assert total(rate(price, Decimal(10**9), after=after), CNY) <= limit
            return
        if fitting:
            assert total(rate(price, Decimal(fitting), after=after), CNY) <= limit
        assert limit < total(rate(price, Decimal(fitting + 1), after=after), CNY)

    @given(graduated, st.integers(0, 500), st.integers(0, 500))
    def test_a_month_billed_in_two_parts_costs_what_it_costs_at_once(
        self, price: Graduated, one: int, two: int
    ) -> None:
        free = Graduated(tiers=price.tiers)
        parts = [*rate(free, Decimal(one)), *rate(free, Decimal(two), after=Decimal(one))]
        assert sum((c.exact for c in parts), Decimal(0)) == cost(free, Decimal(one + two))

    @given(
        st.integers(-(10**12), 10**12),
        st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any),
        st.sampled_from(["CNY", "JPY", "KWD"]),
    )
    def test_the_largest_remainder_gives_every_unit_away(self, minor: int, weights: list[int], code: str) -> None:
        parts = Money(minor, Currency(code)).apportion(weights)
        assert sum(p.amount_minor for p in parts) == minor
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part.amount_minor - Decimal(minor) * weight / sum(weights)) < 1


class TestWhatMakesNoSense:
    @pytest.mark.parametrize(
        "params",
        [
            {"model": "graduated", "tiers": []},
            {"model": "graduated", "tiers": [{"up_to": "10", "unit": "1"}]},
            {"model": "volume", "tiers": [{"up_to": None, "unit": "1"}, {"up_to": None, "unit": "2"}]},
            {
                "model": "volume",
                "tiers": [
                    {"up_to": "9", "unit": "1"},
                    {"up_to": "9", "unit": "1"},
                    {"up_to": None, "unit": "1"},
                ],
            },
            {"model": "package", "amount": "1", "size": "0"},
            {"model": "per_unit", "unit": "-1"},
            {"model": "per_unit", "unit": "NaN"},
            {"model": "package", "amount": "1", "size": "10", "free": "-5"},
            {"model": "per_unit", "unit": "1", "minimum": "-1"},
            {"model": "graduated", "tiers": [{"up_to": None, "unit": "1", "flat": "-1"}]},
            {"model": "barter"},
        ],
    )
    def test_a_price_is_refused(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r".+"):
            read_price(params)

    def test_a_negative_quantity_is_refused(self) -> None:
        with pytest.raises(ValueError, match="not negative"):
            rate(STANDARD, Decimal(-1))
