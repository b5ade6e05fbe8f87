"""How long a kind of work takes, from what closed operations took and from its standard time. Pure.

From the general to the special: the standard time; operation and work center over all products; product and operation;
product, operation and work center. Each with enough operations moves the estimate of the one before in the measure of
its own operations: ``Z * learned + (1 - Z) * before`` with ``Z = n / (n + k)``, Bühlmann's credibility premium
(H. Bühlmann, "Experience rating and credibility", ASTIN Bulletin 4, 1967) level by level (W. S. Jewell, "The use of
collateral data in credibility theory: a hierarchical model", Giornale dell'Istituto Italiano degli Attuari 38, 1975).
So a few operations move a standard time a little and many replace it.

A run takes ``run_s * quantity ** exponent``. The exponent is learned by operation: 1 where every piece takes its time,
towards 0 where the batch does (an inspection, an oven).
"""

from collections.abc import Mapping
from typing import NamedTuple

MIN_OPERATIONS = 3
CREDIBILITY_K = 3.0

Key = tuple[str, str, str]
"""Product, operation and work center; empty stands for all of them."""


class Learned(NamedTuple):
    """One quantile of what a cell's operations took.

    ``ratio`` is the time taken over the standard time, None where no operation of the cell had one. ``setup_s`` is
    None where set-ups were not reported.
    """

    operations: int
    exponent: float
    run_s: float
    ratio: float | None
    setups: int
    setup_s: float | None


class Estimate(NamedTuple):
    """Seconds, and from how many operations; 0 is the standard time itself."""

    seconds: float
    operations: int


class Durations:
    """What the duration model in force knows; without one every time is the standard time."""

    def __init__(self, model_version: int | None = None, cells: Mapping[Key, Learned] | None = None) -> None:
        self.model_version = model_version
        self._cells = cells or {}

    def run(
        self, product: str, operation: str, work_center: str, *, standard_unit_s: float, quantity: float
    ) -> Estimate:
        """The run time of a quantity.

        Work of one operation and machine over all products says only how the times compare with the standard times:
        products differ. Where there is no standard time, it is taken as it is.
        """
        found = Estimate(standard_unit_s * quantity, 0)
        for key in _levels(product, operation, work_center):
            cell = self._cells.get(key)
            if cell is None or cell.operations < MIN_OPERATIONS:
                continue
            pieces = quantity**cell.exponent
            if key[0] or standard_unit_s <= 0:
                found = _credible(cell.run_s * pieces, cell.operations, found)
            elif cell.ratio is not None:
                found = _credible(cell.ratio * standard_unit_s * pieces, cell.operations, found)
        return found

    def setup(self, product: str, operation: str, work_center: str, standard_s: float) -> Estimate:
        """The set-up time of one operation."""
        found = Estimate(standard_s, 0)
        for key in _levels(product, operation, work_center):
            cell = self._cells.get(key)
            if cell is not None and cell.setup_s is not None and cell.setups >= MIN_OPERATIONS:
                found = _credible(cell.setup_s, cell.setups, found)
        return found


def _levels(product: str, operation: str, work_center: str) -> tuple[Key, Key, Key]:
    return ("", operation, work_center), (product, operation, ""), (product, operation, work_center)


def _credible(learned_s: float, operations: int, before: Estimate) -> Estimate:
    """Without a time to begin with there is nothing to lean on but what was learned."""
    if before.seconds <= 0:
        return Estimate(learned_s, operations)
    z = operations / (operations + CREDIBILITY_K)
    return Estimate(z * learned_s + (1 - z) * before.seconds, operations)
