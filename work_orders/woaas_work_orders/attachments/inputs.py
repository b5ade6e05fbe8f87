"""What callers send to attach a file and to take it away."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.wire import Body, Text

AccessClass = Literal["general", "drawing", "quality", "confidential"]
# No path, and nothing that a header or a terminal would take for something else.
FileName = Annotated[str, msgspec.Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$(?!\n)")]


class NewAttachment(Body, kw_only=True):
    """What is said of a file beside its bytes."""

    name: FileName
    access_class: AccessClass = "general"


class AttachmentRemoval(Body, kw_only=True):
    """Why a file is taken away."""

    reason: Text | None | UnsetType = UNSET
