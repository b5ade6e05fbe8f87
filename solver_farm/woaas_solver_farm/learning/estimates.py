"""How long a kind of work takes, from what closed operations took and from its standard time. Pure.

The most special cell with enough operations counts: product, operation and work center; then product and operation;
then operation and work center. What it says is credible in the measure of its operations: the estimate is
``Z * learned + (1 - Z) * standard`` with ``Z = n / (n + k)``, Bühlmann's credibility premium (H. Bühlmann,
"Experience rating and credibility", ASTIN Bulletin 4, 1967), so that a few operations move a standard time a little
and many replace it.
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
    run_s: float
    ratio: float | None
    setups: int
    setup_s: float | None


class Estimate(NamedTuple):
    """Seconds (of one unit, or of a set-up), and from how many operations; 0 is the standard time itself."""

    seconds: float
    operations: int


class Durations:
    """What the duration model in force knows; without one every time is the standard time."""

    def __init__(self, model_version: int | None = None, cells: Mapping[Key, Learned] | None = None) -> None:
        self.model_version = model_version
        self._cells = cells or {}

    def run(self, product: str, operation: str, work_center: str, standard_s: float) -> Estimate:
        """The run time of one unit.

        Work of one operation and machine over all products says only how the times compare with the standard times:
        products differ. Where there is no standard time, it is taken as it is.
        """
        for key in ((product, operation, work_center), (product, operation, "")):
            cell = self._cells.get(key)
            if cell is not None and cell.operations >= MIN_OPERATIONS:
                return _credible(cell.run_s, cell.operations, standard_s)
        cell = self._cells.get(("", operation, work_center))
        if cell is None or cell.operations < MIN_OPERATIONS:
            return Estimate(standard_s, 0)
        if standard_s > 0:
            return (
                Estimate(standard_s, 0)
                if cell.ratio is None
                else _credible(cell.ratio * standard_s, cell.operations, standard_s)
            )
        return _credible(cell.run_s, cell.operations, standard_s)

    def setup(self, product: str, operation: str, work_center: str, standard_s: float) -> Estimate:
        """The set-up time of one operation."""
        for key in ((product, operation, work_center), (product, operation, ""), ("", operation, work_center)):
            cell = self._cells.get(key)
            if cell is not None and cell.setup_s is not None and cell.setups >= MIN_OPERATIONS:
                return _credible(cell.setup_s, cell.setups, standard_s)
        return Estimate(standard_s, 0)


def _credible(learned_s: float, operations: int, standard_s: float) -> Estimate:
    """Without a standard time there is nothing to lean on but what was learned."""
    if standard_s <= 0:
        return Estimate(learned_s, operations)
    z = operations / (operations + CREDIBILITY_K)
    return Estimate(z * learned_s + (1 - z) * standard_s, operations)
