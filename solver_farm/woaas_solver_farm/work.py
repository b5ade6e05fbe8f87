"""How long work takes, in ticks."""

from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from woaas_solver_farm.horizon import TICK, ticks_up
from woaas_work_orders.orders.entities import Operation, WorkOrder

_US = timedelta(microseconds=1)


def run_ticks(order: WorkOrder, operation: Operation) -> int:
    """The running time of what is still to be made: unit time times the quantity not yet reported good."""
    remaining = max(Decimal(0), order.quantity - operation.good)
    exact = Decimal(operation.unit_time // _US) * remaining / Decimal(TICK // _US)
    return int(exact.to_integral_value(ROUND_CEILING))


def setup_ticks(operation: Operation) -> int:
    """The set-up every run of the operation needs, beside the matrix's; none once it has started."""
    return 0 if operation.started_at else ticks_up(operation.setup_time)
