"""How long work takes, in ticks: as learned where there is enough to learn from, else by standard times."""

import math
from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from woaas_solver_farm.horizon import TICK, ticks_up
from woaas_solver_farm.learning.estimates import Durations
from woaas_work_orders.orders.entities import Operation, WorkOrder

_US = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class Ticks(NamedTuple):
    """A length, and from how many closed operations it was learned; 0: the standard time."""

    ticks: int
    learned_from: int


class Work:
    """Times of operations on work centers under a duration model.

    ``matrices`` names the set-up matrix of each work center that has one.
    """

    def __init__(self, durations: Durations, matrices: Mapping[str, str | None]) -> None:
        self._durations = durations
        self._matrices = matrices

    def run(self, order: WorkOrder, operation: Operation, work_center: str) -> Ticks:
        """The running time of what is still to be made: of the whole, the share not yet reported good."""
        remaining = max(Decimal(0), order.quantity - operation.good)
        unit_s = operation.unit_time / _SECOND
        work = (order.product, operation.name, work_center)
        found = self._durations.run(*work, standard_unit_s=unit_s, quantity=float(order.quantity))
        if found.operations:
            # Rounded first: a float's last bit must not make a tick.
            seconds = round(found.seconds * float(remaining / order.quantity), 6)
            return Ticks(math.ceil(seconds / (TICK / _SECOND)), found.operations)
        exact = Decimal(operation.unit_time // _US) * remaining / Decimal(TICK // _US)
        return Ticks(int(exact.to_integral_value(ROUND_CEILING)), 0)

    def setup(self, order: WorkOrder, operation: Operation, work_center: str, group: str | None) -> Ticks:
        """The set-up every run of the operation needs, beside the matrix's; none once it has started.

        Where a matrix holds for the work center, reported set-ups are of both kinds, so they say nothing of this one.
        """
        if operation.started_at:
            return Ticks(0, 0)
        if group is None or self._matrices.get(work_center) is None:
            standard_s = operation.setup_time / _SECOND
            found = self._durations.setup(order.product, operation.name, work_center, standard_s)
            if found.operations:
                return Ticks(math.ceil(round(found.seconds, 6) / (TICK / _SECOND)), found.operations)
        return Ticks(ticks_up(operation.setup_time), 0)
