"""What callers ask, and how a run of kind ``inquiry`` keeps it."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Code, Instant, Text


class MoveBody(Body, kw_only=True):
    """An operation to put on a work center at a start."""

    operation_id: str
    work_center: Code
    start_at: Instant
    reason: Text | UnsetType = UNSET


class MoveRequest(MoveBody, kw_only=True):
    """A move where there is no query string; a `dry_run` only asks what would come of it."""

    dry_run: bool | UnsetType = UNSET


class PromiseQuestion(msgspec.Struct, frozen=True, tag="promise", tag_field="question"):
    """When could the order of this promise be done?"""

    promise_id: str


class MoveQuestion(msgspec.Struct, frozen=True, tag="move", tag_field="question"):
    """What would come of moving an operation? Without ``dry_run`` it is done."""

    schedule_id: str
    version: int
    operation_id: str
    work_order_id: str
    work_center: str
    start_at: datetime
    dry_run: bool
    reason: str | None = None


Question = PromiseQuestion | MoveQuestion
