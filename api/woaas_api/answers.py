"""What an endpoint hands back: a value, before it is rendered."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from litestar import Response

T = TypeVar("T")
RawResponse = Response[bytes]


@dataclass(slots=True)
class Answer(Generic[T]):
    """A value with its status; ``T`` is the documented shape, the value is what the caller's mask left of it.

    ``location`` is where a created object is found. ``secret`` members (a key shown once) are null in replays.
    Bytes are sent as they are, under their ``media_type``.
    """

    value: object
    status: int = 200
    location: str | None = None
    secret: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"


class Listed(Generic[T]):
    """Marks a page in an ``Answer``'s type: ``Answer[Listed[View]]`` is ``{"data": [View…], "next_cursor"}``."""
