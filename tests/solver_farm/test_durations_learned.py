"""The estimate itself: fallback, credibility, errors."""

import pytest

from woaas_solver_farm.learning.comparison import Taken, errors
from woaas_solver_farm.learning.estimates import CREDIBILITY_K, MIN_OPERATIONS, Durations, Estimate, Learned


def cell(operations: int, run_s: float, ratio: float | None = None, setup_s: float | None = None) -> Learned:
    return Learned(operations, 1, run_s, ratio, operations if setup_s is not None else 0, setup_s)


def unit(durations: Durations, product: str, operation: str, center: str, standard_s: float) -> Estimate:
    return durations.run(product, operation, center, standard_unit_s=standard_s, quantity=1)


class TestFallback:
    CELLS = {
        ("P", "Turning", "m1"): cell(MIN_OPERATIONS, 100),
        ("P", "Turning", "m2"): cell(MIN_OPERATIONS - 1, 999),
        ("P", "Turning", ""): cell(50, 200),
        ("", "Turning", "m3"): cell(50, 300, ratio=2.0),
    }

    @pytest.mark.parametrize(
        ("product", "center", "standard_s", "expected"),
        [
            # Three operations count as much as what the product says of every machine.
            ("P", "m1", 0, 150),
            ("P", "m2", 0, 200),
            ("P", "m9", 0, 200),
            ("Q", "m3", 0, 300),
            ("Q", "m9", 40, 40),
        ],
    )
    def test_the_special_moves_what_the_general_says(
        self, product: str, center: str, standard_s: float, expected: float
    ) -> None:
        assert unit(Durations(1, self.CELLS), product, "Turning", center, standard_s).seconds == expected

    def test_other_products_only_say_how_times_compare_with_the_standard(self) -> None:
        found = unit(Durations(1, self.CELLS), "Q", "Turning", "m3", 1000)
        assert found.seconds == pytest.approx(1000 + 50 / (50 + CREDIBILITY_K) * 1000)

    def test_without_a_model_it_is_the_standard_time(self) -> None:
        assert unit(Durations(), "P", "Turning", "m1", 60) == Estimate(60, 0)
        assert Durations().setup("P", "Turning", "m1", 60) == Estimate(60, 0)


class TestCredibility:
    def test_more_operations_weigh_more_than_the_standard_time(self) -> None:
        def at(operations: int) -> float:
            return unit(Durations(1, {("P", "T", "m"): cell(operations, 200)}), "P", "T", "m", 100).seconds

        assert at(3) == pytest.approx(100 + 100 * 3 / (3 + CREDIBILITY_K))
        assert 100 < at(3) < at(10) < at(1000) < 200

    def test_a_set_up_is_learned_where_it_was_reported(self) -> None:
        cells = {("P", "T", "m"): cell(9, 1), ("P", "T", ""): cell(9, 1, setup_s=300)}
        assert Durations(1, cells).setup("P", "T", "m", 0) == Estimate(300, 9)


class TestQuantity:
    def test_a_batch_that_takes_its_time_whole_does_not_grow_with_its_pieces(self) -> None:
        def at(exponent: float, quantity: float) -> float:
            durations = Durations(1, {("P", "T", "m"): Learned(9, exponent, 60, None, 0, None)})
            return durations.run("P", "T", "m", standard_unit_s=0, quantity=quantity).seconds

        assert [at(1, 1), at(1, 100), at(0, 100), at(0.5, 100)] == [60, 6000, 60, 600]


class TestErrors:
    HELD = (Taken("P", "T", "m", 10, 1000, 0, 80, 0), Taken("P", "T", "m", 10, 500, 100, 50, 0))

    def test_percentages_and_quantile_loss(self) -> None:
        found = errors(self.HELD, Durations(), Durations(), 0.5)
        assert found.mape == pytest.approx((0.2 + 100 / 600) / 2)
        assert found.pinball == pytest.approx(0.5 * 300 / 1600)

    def test_too_short_costs_more_at_a_high_quantile(self) -> None:
        high = errors(self.HELD, Durations(), Durations(), 0.9).pinball
        low = errors(self.HELD, Durations(), Durations(), 0.1).pinball
        assert high == pytest.approx(0.9 * 300 / 1600)
        assert low == pytest.approx(0.1 * 300 / 1600)

    def test_nothing_held_back_is_no_error(self) -> None:
        assert errors((), Durations(), Durations(), 0.5) == (None, None)
