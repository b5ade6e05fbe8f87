"""Files under work orders and operations."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from woaas._models import Model

AccessClass: TypeAlias = Literal["general", "drawing", "quality", "confidential"]


class Attachment(Model):
    """A file under a work order or an operation; `state` is current, superseded or removed."""

    id: str
    work_order_id: str
    operation_id: str | None
    name: str
    version: int
    access_class: AccessClass
    media_type: str
    size_bytes: int
    sha256: str
    state: Literal["current", "superseded", "removed"]
    uploaded_by: str
    created_at: datetime
    removed_at: datetime | None
    livemode: bool
