"""What callers send about work done."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, Instant, Quantity, Text


class LotQuantity(Body, kw_only=True):
    """Material consumed or produced."""

    lot: Code
    quantity: Quantity


ReportKind = Literal["setup", "run", "breakdown"]
Lots = Annotated[list[LotQuantity], msgspec.Meta(max_length=100)]


class NewReport(Body, kw_only=True):
    """Time and quantity of one stretch of work; the times are the reporter's and may lie in the past."""

    kind: ReportKind
    good: Quantity | UnsetType = UNSET
    scrap: Quantity | UnsetType = UNSET
    rework: Quantity | UnsetType = UNSET
    scrap_reason: Code | None | UnsetType = UNSET
    operator: Code | None | UnsetType = UNSET
    work_center: Code | None | UnsetType = UNSET
    started_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET
    consumed: Lots | UnsetType = UNSET
    produced: Lots | UnsetType = UNSET
    external_ref: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None | UnsetType = UNSET


class ReportCorrection(NewReport, kw_only=True):
    """The whole corrected report, and why."""

    reason: Text


class NewInspection(Body, kw_only=True):
    """The result of inspecting an operation."""

    subject: str
    result: Literal["pass", "fail"]
    note: Text | None | UnsetType = UNSET


class NewReceipt(Body, kw_only=True):
    """Finished goods booked in."""

    quantity: Quantity
    lot: Code | None | UnsetType = UNSET
    location: Code | None | UnsetType = UNSET
