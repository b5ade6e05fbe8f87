"""Server-sent events of the service: followed until they end, taken up again where a connection broke."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import httpx2
import msgspec

from ._errors import APIConnectionError, error_of
from ._request import Request
from ._retries import backoff
from ._transport import AsyncExecutor, Executor, Send, SyncExecutor

T = TypeVar("T")


@dataclass(frozen=True)
class Stream(Generic[T]):
    """A stream before it is opened; `is_last` says which item ends it for good."""

    path: str
    item: Callable[[dict[str, object]], T]
    is_last: Callable[[T], bool]
    last_event_id: str | None = None

    def request(self) -> Request[None]:
        """The call that opens it, after the last event seen."""
        headers = {"Accept": "text/event-stream"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        return Request("GET", self.path, lambda response: None, headers=headers)


class _Follower(Generic[T]):
    """Where a stream stands: the last id, the attempts since the last event, whether it ended."""

    def __init__(self, executor: Executor[object], stream: Stream[T]) -> None:
        self.executor = executor
        self.stream = stream
        self.attempt = 0
        self.is_over = False

    def opening(self) -> httpx2.Request:
        step = next(self.executor.exchange(self.stream.request()))
        assert isinstance(step, Send)
        request = step.request
        request.extensions = {**request.extensions, "timeout": {**request.extensions["timeout"], "read": None}}
        return request

    def read(self, event: httpx2.ServerSentEvent) -> T | None:
        self.attempt = 0
        if event.id:
            self.stream = replace(self.stream, last_event_id=event.id)
        try:
            document = msgspec.json.decode(event.data)
        except msgspec.DecodeError:
            return None  # a comment-like event: nothing of ours
        if not isinstance(document, dict):
            return None
        item = self.stream.item(document)
        self.is_over = self.stream.is_last(item)
        return item

    def pause_s(self, error: Exception | None) -> float:
        """How long to wait before opening the stream again.

        Raises:
            APIConnectionError: it broke more often than the client retries.
        """
        if self.attempt >= self.executor.options.max_retries:
            raise APIConnectionError(f"GET {self.stream.path}: the event stream broke off") from error
        self.attempt += 1
        return backoff(self.attempt - 1)


def open_stream(executor: Executor[object], stream: Stream[T]) -> Iterator[T] | AsyncIterator[T]:
    """The items of a stream in the executor's mode."""
    if isinstance(executor, AsyncExecutor):
        return _follow_async(executor, stream)
    assert isinstance(executor, SyncExecutor)
    return _follow(executor, stream)


def _follow(executor: SyncExecutor[object], stream: Stream[T]) -> Iterator[T]:
    follower = _Follower(executor, stream)
    while not follower.is_over:
        error: Exception | None = None
        try:
            response = executor.http.send(follower.opening(), stream=True)
            try:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                for event in httpx2.EventSource(response):
                    item = follower.read(event)
                    if item is not None:
                        yield item
                    if follower.is_over:
                        return
            finally:
                response.close()
        except httpx2.TransportError as broken:
            error = broken
        executor.pause(follower.pause_s(error))


async def _follow_async(executor: AsyncExecutor[object], stream: Stream[T]) -> AsyncIterator[T]:
    follower = _Follower(executor, stream)
    while not follower.is_over:
        error: Exception | None = None
        try:
            response = await executor.http.send(follower.opening(), stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    raise error_of(response)
                async for event in httpx2.EventSource(response):
                    item = follower.read(event)
                    if item is not None:
                        yield item
                    if follower.is_over:
                        return
            finally:
                await response.aclose()
        except httpx2.TransportError as broken:
            error = broken
        await executor.pause(follower.pause_s(error))
