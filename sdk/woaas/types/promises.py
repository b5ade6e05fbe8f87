"""When an order could be done."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict

from woaas._models import Model
from woaas._request import Call
from woaas._wire import Duration
from woaas.types.schedules import Impact
from woaas.types.work_orders import WorkOrderInput


class PromisedPlace(Model):
    """Where and when one operation would be done."""

    sequence: int | None
    name: str | None
    work_center: str | None
    operator: str | None
    tools: list[str]
    setup_start_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None


class Promise(Model):
    """A promise; `state` is `pending` until the planner has answered, `refusal` says why it is `infeasible`."""

    id: str
    mode: str | None
    state: str | None
    livemode: bool | None
    work_order: dict[str, object] | None
    product: str | None
    priority: int | None
    due_at: datetime | None
    promised_at: datetime | None
    confidence: float | None
    impacted: list[Impact]
    places: list[PromisedPlace]
    quote: dict[str, object] | None
    refusal: str | None
    run_id: str | None
    work_order_id: str | None
    expires_at: datetime | None
    created_at: datetime | None
    version: int | None


class PromiseFields(TypedDict, total=False):
    """What to ask: an `inquiry` holds nothing, `reserve` holds the capacity for `hold_for` (two days)."""

    mode: Literal["inquiry", "reserve"]
    hold_for: Duration


class NewPromise(PromiseFields, Call, total=False):
    """`PromiseFields` as one call."""


PromisedOrder = WorkOrderInput
