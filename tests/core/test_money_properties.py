"""Money: exact sums, one rounding point, nothing lost in a split."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from woaas_core.errors import Invalid
from woaas_core.money import Currency, CurrencyMismatch, Money
from woaas_core.wire import MoneyBody, money_view

CNY, JPY, KWD = Currency("CNY"), Currency("JPY"), Currency("KWD")
MINOR = st.integers(-(2**63), 2**63 - 1)
WEIGHTS = st.lists(st.one_of(st.integers(0, 10**9), st.decimals(0, 10**15, places=12)), min_size=1, max_size=20).filter(
    lambda ws: sum(Decimal(w) for w in ws) > 0
)


class TestApportion:
    @given(MINOR, WEIGHTS)
    def test_the_parts_sum_to_the_whole(self, minor: int, weights: list[Decimal | int]) -> None:
        parts = Money(minor, CNY).apportion(weights)
        assert len(parts) == len(weights)
        assert sum(p.amount_minor for p in parts) == minor

    @given(MINOR, WEIGHTS)
    def test_each_part_is_its_exact_share_up_to_one_minor_unit(self, minor: int, weights: list[Decimal | int]) -> None:
        from fractions import Fraction

        total = sum((Fraction(w) for w in weights), Fraction(0))
        for part, weight in zip(Money(minor, CNY).apportion(weights), weights, strict=True):
            assert abs(part.amount_minor - minor * Fraction(weight) / total) < 1
            assert weight or part.amount_minor == 0

    def test_a_share_that_only_rounds_up_to_a_unit_does_not_break_the_sum(self) -> None:
        close = Decimal("2.99999999999999999999999999999999")
        parts = Money(10**6, CNY).apportion([close, close, Decimal("1e-31"), Decimal("1e-31")])
        assert sum(p.amount_minor for p in parts) == 10**6

    def test_equal_weights_give_the_remainder_to_the_first(self) -> None:
        assert [p.amount_minor for p in Money(100, CNY).apportion([1, 1, 1])] == [34, 33, 33]
        assert [p.amount_minor for p in Money(-100, CNY).apportion([1, 1, 1])] == [-34, -33, -33]

    @pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1]])
    def test_weights_that_say_nothing_are_refused(self, weights: list[int]) -> None:
        with pytest.raises(ValueError, match="weights"):
            Money(1, CNY).apportion(weights)


class TestText:
    @given(MINOR, st.sampled_from([CNY, JPY, KWD]))
    def test_the_wire_form_reads_back(self, minor: int, currency: Currency) -> None:
        view = money_view(Money(minor, currency))
        assert MoneyBody(**view).money() == Money(minor, currency)

    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [(1250, CNY, "12.50"), (-5, CNY, "-0.05"), (0, CNY, "0.00"), (7, JPY, "7"), (7, KWD, "0.007")],
    )
    def test_digits_are_the_currency_s(self, minor: int, currency: Currency, text: str) -> None:
        assert Money(minor, currency).text() == text

    @pytest.mark.parametrize(("amount", "code"), [("0.001", "CNY"), ("0.5", "JPY"), ("1.00000000001", "CNY")])
    def test_more_digits_than_the_currency_has_are_refused_with_the_place(self, amount: str, code: str) -> None:
        with pytest.raises(Invalid) as caught:
            MoneyBody(amount=amount, currency=code).money("/price")
        assert caught.value.errors[0].pointer == "/price/amount"

    def test_an_unknown_currency_is_refused_with_the_place(self) -> None:
        with pytest.raises(Invalid) as caught:
            MoneyBody(amount="1", currency="QQQ").money("/price")
        assert caught.value.errors[0].pointer == "/price/currency"


class TestArithmetic:
    def test_rounding_happens_where_it_is_named(self) -> None:
        assert Money.rounded(Decimal("0.125"), CNY).amount_minor == 13
        assert Money.rounded(Decimal("-0.125"), CNY).amount_minor == -13
        assert Money.rounded(Decimal("0.129"), CNY, rounding=ROUND_DOWN).amount_minor == 12

    @given(MINOR, MINOR)
    def test_sums_are_those_of_integers(self, a: int, b: int) -> None:
        assert (Money(a, CNY) + Money(b, CNY) - Money(b, CNY)).amount_minor == a
        assert (-Money(a, CNY)).amount_minor == -a
        assert (Money(a, CNY) < Money(b, CNY)) == (a < b)

    def test_currencies_do_not_mix(self) -> None:
        for mixed in (
            lambda: Money(1, CNY) + Money(1, JPY),
            lambda: Money(1, CNY) - Money(1, JPY),
            lambda: Money(1, CNY) < Money(1, JPY),
            lambda: Money(1, CNY) <= Money(1, JPY),
        ):
            with pytest.raises(CurrencyMismatch):
                mixed()
        assert Money(1, CNY) != Money(1, JPY)
