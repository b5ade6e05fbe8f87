"""What an endpoint hands back: a value, before it is rendered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from litestar import Response

if TYPE_CHECKING:
    from woaas_api.edge import Call

T = TypeVar("T")
RawResponse = Response[bytes]


class Awaited(NamedTuple):
    """A fast question to the planner: if its run ends soon enough, ``then`` answers in a transaction of its own.

    ``subject`` is what the planner records its last event about.
    """

    run_id: UUID
    subject: str
    then: "Callable[[Call], Awaitable[Answer[Any]]]"


@dataclass(slots=True)
class Answer(Generic[T]):
    """A value with its status; ``T`` is the documented shape, the value is what the caller's mask left of it.

    ``location`` is where a created object is found. ``secret`` members (a key shown once) are null in replays.
    Bytes are sent as they are, under their ``media_type``. With ``awaited`` this is the answer for want of a better
    one: what is said if the planner takes too long.
    """

    value: object
    status: int = 200
    location: str | None = None
    secret: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    awaited: Awaited | None = None


class Listed(Generic[T]):
    """Marks a page in an ``Answer``'s type: ``Answer[Listed[View]]`` is ``{"data": [View…], "next_cursor"}``."""
