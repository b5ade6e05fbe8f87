"""Files under work orders and operations."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from woaas._models import Model

AccessClass: TypeAlias = Literal["general", "drawing", "quality", "confidential"]


class Attachment(Model):
    """A file under a work order or an operation; `state` is current, superseded or removed."""

    id: str
    work_order_id: str | None
    operation_id: str | None
    name: str | None
    version: int | None
    access_class: AccessClass | None
    media_type: str | None
    size_bytes: int | None
    sha256: str | None
    state: Literal["current", "superseded", "removed"] | None
    uploaded_by: str | None
    created_at: datetime | None
    removed_at: datetime | None
    livemode: bool | None
