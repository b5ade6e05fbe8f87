"""How well times are foretold: the error of a model on operations it did not learn from. Pure.

``mape`` is the mean absolute percentage error of the median. ``pinball`` is the quantile loss (R. Koenker, G. Bassett,
"Regression quantiles", Econometrica 46, 1978) at the model's quantile, summed and divided by the time taken, so that
long operations count as what they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

from woaas_solver_farm.learning.estimates import Durations


class Taken(NamedTuple):
    """What a closed operation took, beside its standard times; seconds."""

    product: str
    operation: str
    work_center: str
    quantity: float
    run_s: float
    setup_s: float
    standard_unit_s: float
    standard_setup_s: float


class Errors(NamedTuple):
    """Errors over a hold-out; None where it is empty."""

    mape: float | None
    pinball: float | None


def errors(holdout: Sequence[Taken], median: Durations, at_quantile: Durations, quantile: float) -> Errors:
    """The errors of foretelling run and set-up together."""
    relative = loss = total = 0.0
    for one in holdout:
        actual = one.run_s + one.setup_s
        relative += abs(actual - _foretold(one, median)) / actual
        over = actual - _foretold(one, at_quantile)
        loss += max(quantile * over, (quantile - 1) * over)
        total += actual
    if not total:
        return Errors(None, None)
    return Errors(relative / len(holdout), loss / total)


def _foretold(one: Taken, durations: Durations) -> float:
    work = (one.product, one.operation, one.work_center)
    run = durations.run(*work, standard_unit_s=one.standard_unit_s, quantity=one.quantity)
    return run.seconds + durations.setup(*work, one.standard_setup_s).seconds
