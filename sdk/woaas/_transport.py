"""One request core for both clients: authentication, retries, idempotency, request ids and reading one's writes.

`Executor.exchange` is a generator that never touches the network: it yields what to do (`Send`, `Pause`) and is told
what came of it. The two drivers, blocking and awaiting, are the only code that differs between `Client` and
`AsyncClient`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, TypeAlias, TypeVar, cast

import httpx2

from ._errors import APIConnectionError, APITimeoutError, error_of
from ._modes import M
from ._request import Request
from ._retries import LONGEST_PAUSE_S, backoff, may_repeat_refused, may_repeat_unanswered, pause_after
from ._version import __version__

log = logging.getLogger("woaas")
T = TypeVar("T")


@dataclass(frozen=True)
class Send:
    """Send a request; a sink takes the body of a successful answer."""

    request: httpx2.Request
    sink: BinaryIO | None = None


@dataclass(frozen=True)
class Pause:
    """Wait before the next step."""

    seconds: float


Steps: TypeAlias = Generator[Send | Pause, httpx2.Response | None, T]


@dataclass(frozen=True)
class Options:
    """What `with_options` may change."""

    api_key: str
    base_url: str
    timeout_s: float = 30.0
    max_retries: int = 2
    headers: Mapping[str, str] = field(default_factory=dict)
    read_your_writes: bool = False


@dataclass
class Memory:
    """What a client remembers between calls, shared by all copies of it."""

    last_event_id: str | None = None


class Executor(Generic[M]):
    """Turns a described request into an answer, in the way of its mode."""

    def __init__(self, options: Options, memory: Memory) -> None:
        self.options = options
        self.memory = memory

    def perform(self, request: Request[T]) -> object:
        """The answer, or a coroutine or raw response of it, as the mode has it."""
        raise NotImplementedError

    def run(self, steps: Steps[T]) -> object:
        """Carry out a procedure of several requests."""
        raise NotImplementedError

    def exchange(self, request: Request[T]) -> Steps[T]:
        """One call with its retries, all under one idempotency key and one request id.

        Raises:
            APIError: the service refused.
            APIConnectionError: it did not answer.
        """
        headers = self._headers(request)
        attempt = 0
        while True:
            try:
                response = yield Send(self._build(request, headers), request.sink)
            except httpx2.TransportError as error:
                if attempt >= self.options.max_retries or not may_repeat_unanswered(request, error):
                    raise _connection_error(request, error) from error
                pause_s, why = backoff(attempt), type(error).__name__
            else:
                response = cast("httpx2.Response", response)
                self._observe(request, response)
                if response.is_success:
                    return request.decode(response)
                failure = error_of(response)
                pause_s = pause_after(response, attempt)
                may_repeat = may_repeat_refused(request, failure, attempt, self.options.max_retries)
                if not may_repeat or pause_s > LONGEST_PAUSE_S:
                    raise failure
                why = f"{failure.status} {failure.code}"
            log.info("retrying %s %s in %.2f s: %s", request.method, request.path, pause_s, why)
            attempt += 1
            yield Pause(pause_s)

    def _headers(self, request: Request[T]) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self.options.api_key}",
            "Accept": "application/json",
            "User-Agent": f"woaas-python/{__version__}",
            "X-Request-Id": uuid.uuid4().hex,
            **self.options.headers,
            **request.headers,
        }
        if request.content is not None:
            headers.setdefault("Content-Type", "application/json")
        if request.method == "POST" and request.is_repeatable:
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        if self.options.read_your_writes and request.method == "GET" and self.memory.last_event_id:
            headers.setdefault("Woaas-After", self.memory.last_event_id)
        return headers

    def _build(self, request: Request[T], headers: Mapping[str, str]) -> httpx2.Request:
        timeout = httpx2.Timeout(self.options.timeout_s, connect=min(5.0, self.options.timeout_s))
        return httpx2.Request(
            request.method,
            httpx2.URL(self.options.base_url + request.path),
            params=dict(request.query) or None,
            headers=dict(headers),
            content=request.content,
            extensions={"timeout": timeout.as_dict()},
        )

    def _observe(self, request: Request[T], response: httpx2.Response) -> None:
        if event_id := response.headers.get("woaas-event-id"):
            self.memory.last_event_id = event_id
        log.debug(
            "%s %s -> %s, request %s",
            request.method,
            request.path,
            response.status_code,
            response.headers.get("x-request-id"),
        )


class SyncExecutor(Executor[M]):
    """Blocks until the answer is there."""

    def __init__(self, options: Options, memory: Memory, http: httpx2.Client) -> None:
        super().__init__(options, memory)
        self.http = http

    def perform(self, request: Request[T]) -> object:
        """Send and return the object."""
        return self.run(self.exchange(request))

    def run(self, steps: Steps[T]) -> T:
        """Drive a procedure to its end."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    self.pause(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    response = self._send(step)
                except httpx2.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as stop:
            return cast("T", stop.value)

    def pause(self, seconds: float) -> None:
        """Wait between two attempts."""
        time.sleep(seconds)

    def _send(self, step: Send) -> httpx2.Response:
        if step.sink is None:
            return self.http.send(step.request)
        response = self.http.send(step.request, stream=True, follow_redirects=True)
        try:
            if not response.is_success:
                response.read()
                return response
            step.sink.seek(0)
            step.sink.truncate()
            for chunk in response.iter_bytes():
                step.sink.write(chunk)
            return response
        finally:
            response.close()


class AsyncExecutor(Executor[M]):
    """Awaits the answer."""

    def __init__(self, options: Options, memory: Memory, http: httpx2.AsyncClient) -> None:
        super().__init__(options, memory)
        self.http = http

    def perform(self, request: Request[T]) -> object:
        """A coroutine of the object."""
        return self.run(self.exchange(request))

    async def run(self, steps: Steps[T]) -> T:
        """Drive a procedure to its end."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Pause):
                    await self.pause(step.seconds)
                    step = steps.send(None)
                    continue
                try:
                    response = await self._send(step)
                except httpx2.TransportError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(response)
        except StopIteration as stop:
            return cast("T", stop.value)

    async def pause(self, seconds: float) -> None:
        """Wait between two attempts."""
        await asyncio.sleep(seconds)

    async def _send(self, step: Send) -> httpx2.Response:
        if step.sink is None:
            return await self.http.send(step.request)
        response = await self.http.send(step.request, stream=True, follow_redirects=True)
        try:
            if not response.is_success:
                await response.aread()
                return response
            step.sink.seek(0)
            step.sink.truncate()
            async for chunk in response.aiter_bytes():
                await asyncio.to_thread(step.sink.write, chunk)
            return response
        finally:
            await response.aclose()


class RawExecutor(SyncExecutor[M]):
    """Blocks, and returns the response itself."""

    def perform(self, request: Request[T]) -> object:
        """Send and return a `RawResponse`."""
        return self.run(self.exchange(request.as_raw()))


class AsyncRawExecutor(AsyncExecutor[M]):
    """Awaits, and returns the response itself."""

    def perform(self, request: Request[T]) -> object:
        """A coroutine of a `RawResponse`."""
        return self.run(self.exchange(request.as_raw()))


def _connection_error(request: Request[T], error: httpx2.TransportError) -> APIConnectionError:
    kind = APITimeoutError if isinstance(error, httpx2.TimeoutException) else APIConnectionError
    return kind(f"{request.method} {request.path}: {error or type(error).__name__}")
