"""How a client answers: directly, by awaiting, or with the raw response.

A resource is written once. `WorkOrders[Sync]` returns objects, `WorkOrders[Async]` coroutines, and the raw modes
wrap either in a `RawResponse`; the descriptors of `_endpoint` read the mode from the type of the object they hang on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from ._transport import Executor

M = TypeVar("M")


class Sync:
    """Calls block and return the object."""


class Async:
    """Calls return a coroutine of the object."""


class Raw:
    """Calls block and return a `RawResponse` of the object."""


class AsyncRaw:
    """Calls return a coroutine of a `RawResponse` of the object."""


class Bound(Generic[M]):
    """Something that can make calls: the client, its resources and the handles of background runs."""

    def __init__(self, executor: Executor[M]) -> None:
        self._executor: Executor[M] = executor
