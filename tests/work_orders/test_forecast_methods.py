"""Forecasting methods against values worked out by hand."""

import random

import pytest

from woaas_work_orders.forecasts.methods import (
    ALPHA,
    BETA,
    croston_sba,
    forecast,
    seasonal_naive,
    tsb,
    whole,
)


class TestCroston:
    def test_even_lumps_are_their_rate_less_the_bias(self) -> None:
        # 3 pieces every 3 periods: one a period, times 1 - alpha/2.
        assert croston_sba([0, 0, 3] * 6)[-1] == pytest.approx(1 - ALPHA / 2)

    def test_size_and_interval_move_by_alpha_at_each_demand(self) -> None:
        # Size 4 then 4 + 0.1 (8 - 4); interval 2 then 2 + 0.1 (4 - 2).
        assert croston_sba([0, 4, 0, 0, 0, 8])[-1] == pytest.approx(0.95 * 4.4 / 2.2)
        assert croston_sba([0, 4, 0, 0, 0])[-1] == pytest.approx(0.95 * 4 / 2)

    def test_without_any_demand_there_is_none_expected(self) -> None:
        assert croston_sba([0, 0, 0])[-1] == 0


class TestTsb:
    def test_it_fades_when_nobody_asks_any_more(self) -> None:
        demand = [5, 0] * 6
        after = tsb(demand + [0] * 10)
        assert after[-1] == pytest.approx(after[len(demand)] * (1 - BETA) ** 10)
        # Croston's does not.
        assert croston_sba(demand + [0] * 10)[-1] == croston_sba(demand)[-1]

    def test_chance_and_size_move_at_each_period(self) -> None:
        first = tsb([6, 0])
        # The chance begins at a half: 0.5 + 0.1 * 0.5 = 0.55, then less a tenth.
        assert first == pytest.approx([3, 0.55 * 6, 0.495 * 6])


class TestChoosing:
    def test_a_season_is_repeated(self) -> None:
        demand = [1, 2, 3, 40] * 6
        fit = forecast(demand, 6, method="auto", season=4)
        assert (fit.method, fit.expected, fit.mae) == ("seasonal_naive", [1, 2, 3, 40, 1, 2], 0)

    def test_before_a_season_has_passed_it_is_the_last_value(self) -> None:
        assert seasonal_naive([4, 7], 12) == [0, 4, 7]

    def test_lumpy_demand_is_smoothed(self) -> None:
        draw = random.Random(4)
        demand = [float(draw.random() < 0.3) * draw.randint(5, 15) for _ in range(104)]
        fit = forecast(demand, 2, method="auto", season=52)
        assert fit.method in ("croston_sba", "tsb")
        assert fit.expected[0] == fit.expected[1] == pytest.approx(sum(demand) / 104, rel=0.5)

    def test_the_error_is_of_what_was_not_known_then(self) -> None:
        assert forecast([1, 1, 1, 9], 1, method="seasonal_naive", season=1).mae == 8

    def test_a_single_period_has_no_error_to_show(self) -> None:
        assert forecast([5], 2, method="tsb", season=4).mae is None


def test_fractions_of_a_piece_are_carried_on() -> None:
    assert whole([0.4] * 5) == [0, 1, 0, 1, 0]
    assert sum(whole([0.3] * 100)) == 30
