"""The HTTP client for addresses that tenants name: webhooks, identity providers, connectors."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import Any

import httpcore2
import httpx2

from woaas_core.errors import SSRFBlocked
from woaas_core.outbound.addresses import WEB_PORTS, Outbound, Resolve, checked_host, guarded_address, resolved

MAX_ANSWER_BYTES = 1 << 20
TIMEOUT_S = 10.0
_MAX_URL = 2_048


class AnswerTooLarge(httpx2.ReadError):
    """An answer longer than what is read of one."""


def checked_url(text: str, outbound: Outbound) -> httpx2.URL:
    """A URL that may be kept to be called later; what its name resolves to is judged at each call.

    Raises:
        SSRFBlocked: not https (or http where networks are listed), credentials in it, an odd port or host.
    """
    if len(text) > _MAX_URL or not text.isascii() or not text.isprintable() or set(text) & set(" \\"):
        raise _blocked()
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise _blocked() from None
    authority = text.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    if url.scheme not in ("https", "http") or not url.host or url.userinfo or set(authority) & set("@%"):
        raise _blocked()
    is_odd = url.scheme == "http" or (443 if url.port is None else url.port) not in WEB_PORTS
    if is_odd and not outbound.networks:
        raise _blocked()
    checked_host(url.host, outbound)
    return url


def outbound_client(
    outbound: Outbound,
    *,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_ANSWER_BYTES,
    verify: ssl.SSLContext | None = None,
    resolve: Resolve = resolved,
) -> httpx2.AsyncClient:
    """A client that reaches only what ``outbound`` admits, takes no proxy or password from the environment and follows
    no redirect.

    Where a caller follows redirects nevertheless, each hop is judged as the first was. ``timeout_s`` bounds a whole
    exchange, ``max_bytes`` its answer.
    """
    transport = GuardedTransport(outbound, timeout_s=timeout_s, max_bytes=max_bytes, verify=verify, resolve=resolve)
    return httpx2.AsyncClient(transport=transport, timeout=timeout_s, trust_env=False, follow_redirects=False)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Judges every request's URL, connects to the address that was judged, and bounds the answer.

    Raises, beside what httpx2 does:
        SSRFBlocked: at any hop.
        AnswerTooLarge: once more than ``max_bytes`` came, or where it is packed, so that nobody knows how much it is.
    """

    def __init__(
        self,
        outbound: Outbound,
        *,
        timeout_s: float = TIMEOUT_S,
        max_bytes: int = MAX_ANSWER_BYTES,
        verify: ssl.SSLContext | None = None,
        resolve: Resolve = resolved,
    ) -> None:
        self._outbound = outbound
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        context = verify or ssl.create_default_context()
        # Without encryption only what an operator listed is reached.
        self._by_scheme = {
            scheme: _PinnedTransport(_PinningBackend(outbound, resolve, public=scheme == "https"), context)
            for scheme in ("https", "http")
        }

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange, or one hop of it."""
        checked_url(str(request.url), self._outbound)
        request.headers["Accept-Encoding"] = "identity"
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._by_scheme[request.url.scheme].handle_async_request(request)
        except TimeoutError:
            raise httpx2.ConnectTimeout("No answer in time.", request=request) from None
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            await response.aclose()
            raise AnswerTooLarge("The answer is packed although none was asked for.", request=request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _BoundedStream(response.stream, self._max_bytes, deadline)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in self._by_scheme.values():
            await transport.aclose()


class _PinnedTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport over a pool that connects through our backend."""

    def __init__(self, backend: httpcore2.AsyncNetworkBackend, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        if not isinstance(getattr(self, "_pool", None), httpcore2.AsyncConnectionPool):
            msg = "httpx2 keeps its connections elsewhere now: the guard would not be asked."
            raise RuntimeError(msg)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context, max_connections=100, keepalive_expiry=5, network_backend=backend
        )


class _PinningBackend(httpcore2.AsyncNetworkBackend):
    """Resolves and judges at the one place where connections are opened; TLS still asks for the name."""

    def __init__(self, outbound: Outbound, resolve: Resolve, *, public: bool) -> None:
        self._judge = partial(guarded_address, outbound=outbound, resolve=resolve, public=public)
        # pyright takes the stand-in for installations without anyio for the real one.
        self._network: httpcore2.AsyncNetworkBackend = httpcore2.AnyIOBackend()  # pyright: ignore[reportAttributeAccessIssue]

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            pinned = await self._judge(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        return await self._network.connect_tcp(pinned.ip, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _BoundedStream(httpx2.AsyncByteStream):
    """An answer of bounded length and time."""

    def __init__(self, stream: httpx2.AsyncByteStream, max_bytes: int, deadline: float) -> None:
        self._stream = stream
        self._left = max_bytes
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    part = await anext(parts, None)
            except TimeoutError:
                msg = "The answer did not end in time."
                raise httpx2.ReadTimeout(msg) from None
            if part is None:
                return
            self._left -= len(part)
            if self._left < 0:
                msg = "The answer is longer than what is read of one."
                raise AnswerTooLarge(msg)
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def _blocked() -> SSRFBlocked:
    return SSRFBlocked("Give an https address with a public host, without credentials in it.")
