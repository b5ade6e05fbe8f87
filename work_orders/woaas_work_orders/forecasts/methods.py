"""Forecasts of demand per period from its history, oldest first. Pure.

Croston's method splits lumpy demand into its size and the interval between demands (J. D. Croston, "Forecasting and
stock control for intermittent demands", Operational Research Quarterly 23, 1972). ``croston_sba`` takes its bias away
(A. A. Syntetos, J. E. Boylan, "The accuracy of intermittent demand estimates", International Journal of Forecasting
21, 2005). ``tsb`` smooths the probability of a demand instead of the interval, so that a product that is no longer
asked for fades (R. H. Teunter, A. A. Syntetos, M. Z. Babai, "Intermittent demand: Linking forecasting to inventory
obsolescence", European Journal of Operational Research 214, 2011). ``seasonal_naive`` says what was a season ago: the
bar the others must clear (R. J. Hyndman, G. Athanasopoulos, "Forecasting: principles and practice", 3rd ed., §5.2).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

ALPHA = 0.1
BETA = 0.1
TEST_SHARE = 0.25

Series = Sequence[float]


class Fit(NamedTuple):
    """What is expected in each of the next periods, by which method, and its mean absolute error one period ahead."""

    method: str
    expected: list[float]
    mae: float | None


def croston_sba(demand: Series) -> list[float]:
    """What was expected of each period from those before it, and last of the next one."""
    size = interval = 0.0
    since = 1
    expected = [0.0]
    for value in demand:
        if value > 0:
            size, interval = (
                (value, float(since))
                if size == 0
                else (
                    size + ALPHA * (value - size),
                    interval + ALPHA * (since - interval),
                )
            )
            since = 1
        else:
            since += 1
        expected.append((1 - ALPHA / 2) * size / interval if interval else 0.0)
    return expected


def tsb(demand: Series) -> list[float]:
    """The same by Teunter, Syntetos and Babai; both parts begin at the means of the first year's worth of periods."""
    first = [value for value in demand[:12] if value > 0]
    size = sum(first) / len(first) if first else 0.0
    chance = len(first) / max(1, len(demand[:12]))
    expected = [chance * size]
    for value in demand:
        if value > 0:
            size += ALPHA * (value - size) if size else value
            chance += BETA * (1 - chance)
        else:
            chance -= BETA * chance
        expected.append(chance * size)
    return expected


def seasonal_naive(demand: Series, season: int) -> list[float]:
    """The same as a season ago; before that, the last value."""
    expected = [0.0]
    for at in range(1, len(demand) + 1):
        expected.append(demand[at - season] if at >= season else demand[at - 1])
    return expected


def forecast(demand: Series, periods: int, *, method: str, season: int) -> Fit:
    """The next periods by a method, or for ``auto`` by the one with the smallest error on the latest quarter.

    Every period of that quarter was foretold from those before it alone.
    """
    candidates: dict[str, Callable[[], list[float]]] = {
        "croston_sba": lambda: croston_sba(demand),
        "tsb": lambda: tsb(demand),
        "seasonal_naive": lambda: seasonal_naive(demand, season),
    }
    named = candidates if method == "auto" else {method: candidates[method]}
    fits: list[Fit] = []
    for name, fit in named.items():
        one_step = fit()
        mae = _mae(demand, one_step)
        flat = [one_step[-1]] * periods
        expected = flat if name != "seasonal_naive" else _last_season(demand, periods, season)
        fits.append(Fit(name, expected, mae))
    return min(fits, key=lambda fit: float("inf") if fit.mae is None else fit.mae)


def whole(expected: Series) -> list[int]:
    """Whole pieces whose running sum stays within half a piece of what is expected: lumps, not lost fractions."""
    sums = [0.0]
    for value in expected:
        sums.append(sums[-1] + value)
    steps = [int(total + 0.5) for total in sums]
    return [after - before for before, after in pairwise(steps)]


def _mae(demand: Series, one_step: Series) -> float | None:
    tested = max(1, round(len(demand) * TEST_SHARE))
    if len(demand) <= tested:
        return None
    start = len(demand) - tested
    return sum(abs(demand[at] - one_step[at]) for at in range(start, len(demand))) / tested


def _last_season(demand: Series, periods: int, season: int) -> list[float]:
    latest = list(demand[-season:]) or [0.0]
    return [latest[at % len(latest)] for at in range(periods)]
