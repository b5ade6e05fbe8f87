"""Methods written once and called in every mode.

A resource's method only describes its call. The descriptor hands the description to the executor of the object it
is read from, and its overloads tell type checkers what comes back: the object, a coroutine, or a raw response.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from ._modes import Async, AsyncRaw, Bound, Raw, Sync
from ._pagination import AsyncPages, Listing, Page, open_pages
from ._request import RawResponse, Request
from ._stream import Stream, open_stream
from ._transport import Steps

P = ParamSpec("P")
T = TypeVar("T")


class _Method(Generic[P, T]):
    """A described call; keeps the name and docstring of the function it wraps."""

    def __init__(self, describe: Callable[Concatenate[Any, P], object]) -> None:
        self._describe = describe
        functools.update_wrapper(cast("Callable[..., object]", self), describe)

    def _bind(self, obj: object, carry_out: Callable[..., object]) -> Callable[..., object]:
        describe = self._describe

        @functools.wraps(describe)
        def call(*args: object, **kwargs: object) -> object:
            described = cast("Callable[..., object]", describe)(obj, *args, **kwargs)
            executor = cast("Bound[object]", obj)._executor  # noqa: SLF001  # the other half of the same mechanism
            return carry_out(executor, described)

        return call


class endpoint(_Method[P, T]):  # reads as the decorator it is
    """A method that is one call."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Request[T]]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, obj: Bound[Sync], owner: object = ...) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: Bound[Async], owner: object = ...) -> Callable[P, Coroutine[object, None, T]]: ...
    @overload
    def __get__(self, obj: Bound[Raw], owner: object = ...) -> Callable[P, RawResponse[T]]: ...
    @overload
    def __get__(
        self, obj: Bound[AsyncRaw], owner: object = ...
    ) -> Callable[P, Coroutine[object, None, RawResponse[T]]]: ...
    @overload
    def __get__(self, obj: None, owner: object = ...) -> endpoint[P, T]: ...
    def __get__(self, obj: object, owner: object = None) -> object:
        if obj is None:
            return self
        return self._bind(obj, lambda executor, request: executor.perform(request))


class procedure(_Method[P, T]):
    """A method that is several calls, written as a generator of steps."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, obj: Bound[Sync] | Bound[Raw], owner: object = ...) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, obj: Bound[Async] | Bound[AsyncRaw], owner: object = ...
    ) -> Callable[P, Coroutine[object, None, T]]: ...
    @overload
    def __get__(self, obj: None, owner: object = ...) -> procedure[P, T]: ...
    def __get__(self, obj: object, owner: object = None) -> object:
        if obj is None:
            return self
        return self._bind(obj, lambda executor, steps: executor.run(steps))


class listing(_Method[P, T]):
    """A method that answers a page, which is also an iterator over all further ones."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, obj: Bound[Sync], owner: object = ...) -> Callable[P, Page[T]]: ...
    @overload
    def __get__(self, obj: Bound[Async], owner: object = ...) -> Callable[P, AsyncPages[T]]: ...
    @overload
    def __get__(self, obj: Bound[Raw], owner: object = ...) -> Callable[P, RawResponse[list[T]]]: ...
    @overload
    def __get__(
        self, obj: Bound[AsyncRaw], owner: object = ...
    ) -> Callable[P, Coroutine[object, None, RawResponse[list[T]]]]: ...
    @overload
    def __get__(self, obj: None, owner: object = ...) -> listing[P, T]: ...
    def __get__(self, obj: object, owner: object = None) -> object:
        return self if obj is None else self._bind(obj, open_pages)


class streaming(_Method[P, T]):
    """A method that answers what the service pushes, until it ends."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Stream[T]]) -> None:
        super().__init__(describe)

    @overload
    def __get__(self, obj: Bound[Sync] | Bound[Raw], owner: object = ...) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, obj: Bound[Async] | Bound[AsyncRaw], owner: object = ...) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, obj: None, owner: object = ...) -> streaming[P, T]: ...
    def __get__(self, obj: object, owner: object = None) -> object:
        return self if obj is None else self._bind(obj, open_stream)
