"""The clients: `Client` blocks, `AsyncClient` awaits, both have the same nouns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from ._api import API
from ._errors import ConfigurationError
from ._modes import Async, AsyncRaw, Raw, Sync
from ._transport import AsyncExecutor, AsyncRawExecutor, Memory, Options, RawExecutor, SyncExecutor

DEFAULT_BASE_URL = "http://127.0.0.1:8000"


class Client(API[Sync]):
    """A blocking client. It is safe to share between threads, and pools its connections: make one and keep it.

    `api_key` and `base_url` default to `WOAAS_API_KEY` and `WOAAS_BASE_URL`. With `read_your_writes`, a read waits
    until the effects of this client's last write are in. `http_client` takes over proxies, certificates and tests.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: timedelta | float = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        read_your_writes: bool = False,
        http_client: httpx2.Client | None = None,
    ) -> None:
        options = _options(
            api_key,
            base_url,
            timeout_s=_seconds(timeout),
            max_retries=max_retries,
            headers=dict(headers or {}),
            read_your_writes=read_your_writes,
        )
        self._http = http_client or httpx2.Client(timeout=options.timeout_s)
        super().__init__(SyncExecutor(options, Memory(), self._http))

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._executor.options.base_url

    @cached_property
    def with_raw_response(self) -> API[Raw]:
        """The same nouns, answering `RawResponse`: status, headers and `parse()`."""
        return API(RawExecutor[Raw](self._executor.options, self._executor.memory, self._http))

    def with_options(
        self,
        *,
        timeout: timedelta | float | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
    ) -> Self:
        """A copy with other options, on the same connections."""
        options = _changed(self._executor.options, timeout, max_retries, headers, api_key)
        return self._on(SyncExecutor(options, self._executor.memory, self._http))

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(API[Async]):
    """A client for asyncio; every call of `Client` is awaited here, and lists are read with `async for`."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: timedelta | float = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        read_your_writes: bool = False,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        options = _options(
            api_key,
            base_url,
            timeout_s=_seconds(timeout),
            max_retries=max_retries,
            headers=dict(headers or {}),
            read_your_writes=read_your_writes,
        )
        self._http = http_client or httpx2.AsyncClient(timeout=options.timeout_s)
        super().__init__(AsyncExecutor(options, Memory(), self._http))

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._executor.options.base_url

    @cached_property
    def with_raw_response(self) -> API[AsyncRaw]:
        """The same nouns, answering `RawResponse`: status, headers and `parse()`."""
        return API(AsyncRawExecutor[AsyncRaw](self._executor.options, self._executor.memory, self._http))

    def with_options(
        self,
        *,
        timeout: timedelta | float | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
    ) -> Self:
        """A copy with other options, on the same connections."""
        options = _changed(self._executor.options, timeout, max_retries, headers, api_key)
        return self._on(AsyncExecutor(options, self._executor.memory, self._http))

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _options(
    api_key: str | None,
    base_url: str | None,
    *,
    timeout_s: float,
    max_retries: int,
    headers: Mapping[str, str],
    read_your_writes: bool,
) -> Options:
    key = api_key or os.environ.get("WOAAS_API_KEY", "")
    if not key:
        raise ConfigurationError("no API key: pass api_key=… or set WOAAS_API_KEY")
    url = (base_url or os.environ.get("WOAAS_BASE_URL") or DEFAULT_BASE_URL).rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise ConfigurationError(f"{url!r} is not an http(s) address")
    return Options(key, url, timeout_s, max_retries, headers, read_your_writes)


def _changed(
    options: Options,
    timeout: timedelta | float | None,
    max_retries: int | None,
    headers: Mapping[str, str] | None,
    api_key: str | None,
) -> Options:
    return replace(
        options,
        timeout_s=options.timeout_s if timeout is None else _seconds(timeout),
        max_retries=options.max_retries if max_retries is None else max_retries,
        headers={**options.headers, **(headers or {})},
        api_key=api_key or options.api_key,
    )


def _seconds(timeout: timedelta | float) -> float:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
