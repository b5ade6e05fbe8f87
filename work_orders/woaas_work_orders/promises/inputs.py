"""What callers send about promises."""

from typing import Literal

from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, DurationText
from woaas_work_orders.orders.inputs import NewWorkOrder

PromiseMode = Literal["inquiry", "reserve"]
PromiseState = Literal["pending", "offered", "reserved", "infeasible", "failed", "taken", "released", "expired"]


class NewPromise(Body, kw_only=True):
    """An order to ask about as it would be entered; `reserve` holds the capacity for `hold_for`."""

    work_order: NewWorkOrder
    mode: PromiseMode = "inquiry"
    hold_for: DurationText | UnsetType = UNSET
