"""The edge of every request: one transaction, authentication, idempotency, rendering, commit.

An endpoint gets a ``Call`` and returns an ``Answer``. The answer is rendered before the commit, so that the
stored answer of an Idempotency-Key and the effect become durable together or not at all.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from woaas_api import replays
from woaas_api.answers import Answer, RawResponse
from woaas_api.health import Metrics
from woaas_api.problems import as_domain_error, log, problem, request_id_of
from woaas_api.queries import Asked, read_query
from woaas_api.rate_limit import RateLimiter
from woaas_core.db.database import Database
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import (
    Internal,
    Malformed,
    NotFound,
    NotReady,
    RateLimited,
    StaleETag,
    Unauthenticated,
    UnsupportedMediaType,
)
from woaas_core.events.readers import settled
from woaas_core.ids import try_decode_id
from woaas_core.pagination import CursorCodec
from woaas_core.settings import Settings
from woaas_core.wire import decode
from woaas_security.authz.access import Access
from woaas_security.authz.listing import list_rows
from woaas_security.authz.policy import PolicyCache
from woaas_security.authz.resource import Resource
from woaas_security.identity.service import Authenticator
from woaas_security.principal import Principal

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
Endpoint = Callable[["Call"], Awaitable[Answer[Any]]]

SESSION_COOKIE = "woaas_session"
CONSOLE_HEADER = "woaas-console"
_WAIT_S = 2.0
_POLL_S = 0.01

_encode = msgspec.json.Encoder().encode


class Call:
    """One request inside its transaction."""

    __slots__ = ("edge", "principal", "raw_body", "request", "uow")

    def __init__(self, edge: "Edge", request: AnyRequest, uow: UnitOfWork, principal: Principal, raw: bytes) -> None:
        self.edge = edge
        self.request = request
        self.uow = uow
        self.principal = principal
        self.raw_body = raw

    def body(self, into: type[T]) -> T:
        """The request body, typed; 400 or 422 where it does not fit."""
        return decode(self.raw_body, into)

    def path(self, name: str) -> str:
        """A path parameter; no object has a NUL in its name."""
        text = str(self.request.path_params[name])
        if "\0" in text:
            raise NotFound
        return text

    def list_query(self, access: Access, *, expandable: Collection[str] = (), own: Collection[str] = ()) -> Asked:
        """The query string of a list."""
        return read_query(self.request.query_params.multi_items(), access, expandable=expandable, own=own)

    def require_match(self, shown: Callable[[], object] | None) -> None:
        """Honour If-Match: the caller's view of the object must be the one he decided on; None is no object.

        Raises:
            StaleETag: it has changed.
        """
        wanted = self.request.headers.get("if-match")
        if not wanted or (wanted.strip() == "*" and shown is not None):
            return
        if shown is None or etag_of(_encode(shown())) not in wanted:
            raise StaleETag

    async def page(
        self, resource: Resource, *, show: Callable[[Any], dict[str, Any]] | None = None, **options: Any
    ) -> Answer[Any]:
        """A page of a resource through the caller's mask: the whole of most list endpoints."""
        access = self.principal.require(resource, "read")
        asked = self.list_query(access)
        page = await list_rows(self.uow, self.principal, access, asked.query, self.edge.cursors, **options)
        data = [show(row) if show else self.principal.show(access, row, asked.fields) for row in page.rows]
        return Answer({"data": data, "next_cursor": page.next_cursor})


class Edge:
    """What requests share in a process."""

    def __init__(self, settings: Settings, database: Database, readers: Collection[str] = ()) -> None:
        self.settings = settings
        self.database = database
        self.cursors = CursorCodec(settings.secret_key)
        self.authenticator = Authenticator(pepper=settings.secret_key, policies=PolicyCache())
        self._limiter = RateLimiter(settings.rate_limit_per_minute)
        self._readers = list(readers)
        self.metrics = Metrics()

    async def serve(self, request: AnyRequest, endpoint: Endpoint, *, name: str, safe: bool) -> RawResponse:
        """Run an endpoint and answer; every exception becomes a problem. ``name`` is what metrics call it."""
        began = perf_counter()
        response = await self._answer(request, endpoint, safe=safe)
        self.metrics.observe(name, response.status_code or 0, perf_counter() - began)
        return response

    async def _answer(self, request: AnyRequest, endpoint: Endpoint, *, safe: bool) -> RawResponse:
        budget = self._limiter.take(request.headers.get("authorization") or _client(request))
        raw: bytes | None = None
        try:
            if budget.retry_after_s:
                raise RateLimited(retry_after_s=budget.retry_after_s)
            after = request.headers.get("woaas-after") if safe else None
            if after:
                await self._wait_for(request, after)
            raw = b"" if safe else await _read_body(request)
            response = await self._transaction(request, endpoint, raw, safe=safe)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001, RUF100 - the edge is where anything unforeseen becomes a 500
            response = _problem(request, error)
            if not safe and raw is not None and "idempotency-key" in request.headers and replays.is_kept(error):
                response = await self._keep_refusal(request, raw, response)
        response.headers.update(budget.headers())
        return response

    async def authenticate(self, uow: UnitOfWork, request: AnyRequest) -> Principal:
        """The caller, by API key or, from the console's own scripts, by session.

        A session only counts with the console's header: another site cannot send it, since CORS is off.
        """
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self.authenticator.by_key(uow, token.strip())
        session = request.cookies.get(SESSION_COOKIE)
        if session and request.headers.get(CONSOLE_HEADER):
            principal, _ = await self.authenticator.by_session(uow, session)
            return principal
        raise Unauthenticated

    async def _transaction(self, request: AnyRequest, endpoint: Endpoint, raw: bytes, *, safe: bool) -> RawResponse:
        async with self.database.unit_of_work() as uow:
            uow.request_id = request_id_of(request)
            principal = await self.authenticate(uow, request)
            call = Call(self, request, uow, principal, raw)
            key = None if safe else request.headers.get("idempotency-key")
            if key is None:
                return self._render(call, await endpoint(call))
            scope = replays.scope_of(request, principal, key)
            replay = await replays.find(uow, principal, request, scope, raw)
            if replay is not None:
                return replay
            answer = await endpoint(call)
            response = self._render(call, answer)
            shown_again = None
            if answer.secret and isinstance(answer.value, dict):
                shown_again = _encode({k: None if k in answer.secret else v for k, v in answer.value.items()})
            await replays.keep(uow, principal, scope, raw, response, body=shown_again)
            return response

    async def _keep_refusal(self, request: AnyRequest, raw: bytes, refusal: RawResponse) -> RawResponse:
        """Store a refusal under its key, now that the work is rolled back; a twin that was quicker is repeated."""
        try:
            async with self.database.unit_of_work() as uow:
                principal = await self.authenticate(uow, request)
                scope = replays.scope_of(request, principal, request.headers["idempotency-key"])
                replay = await replays.find(uow, principal, request, scope, raw)
                if replay is None:
                    await replays.keep(uow, principal, scope, raw, refusal)
        except Exception as error:  # noqa: BLE001, RUF100 - as in every answer
            return _problem(request, error)
        return replay or refusal

    def _render(self, call: Call, answer: Answer[Any]) -> RawResponse:
        raw = answer.value if isinstance(answer.value, bytes) else None
        body = b"" if answer.status == 204 else _encode(answer.value) if raw is None else raw
        etag = etag_of(body)
        headers = {"X-Request-Id": call.uow.request_id or "", "ETag": etag, **answer.headers}
        if answer.location:
            headers["Location"] = answer.location
        if call.uow.last_event_text:
            headers["Woaas-Event-Id"] = call.uow.last_event_text
        headers["Cache-Control"] = "private, no-cache" if call.request.method == "GET" else "no-store"
        status = answer.status
        if call.request.method == "GET" and call.request.headers.get("if-none-match") == etag:
            status, body = 304, b""
        return Response(body, status_code=status, media_type=answer.media_type, headers=headers)

    async def _wait_for(self, request: AnyRequest, text: str) -> None:
        """Wait until an event and its effects are in.

        Raises:
            NotReady: not within two seconds.
        """
        event_id = try_decode_id("evt", text)
        if event_id is None:
            msg = "Woaas-After must be the Woaas-Event-Id of a write."
            raise Malformed(msg)
        try:
            async with asyncio.timeout(_WAIT_S):
                # Another process sequences and reads, so there is nothing in this one to be woken by.
                while not await self._settled(request, event_id):  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise NotReady from None

    async def _settled(self, request: AnyRequest, event_id: UUID) -> bool:
        async with self.database.unit_of_work() as uow:
            await self.authenticate(uow, request)
            return await settled(uow, event_id, self._readers)


def etag_of(body: bytes) -> str:
    """A strong validator of exactly these bytes: two callers with other masks have other tags."""
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


async def _read_body(request: AnyRequest) -> bytes:
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind and kind != "application/json":
        raise UnsupportedMediaType
    return raw


def _problem(request: AnyRequest, error: Exception) -> RawResponse:
    domain_error, request_id = as_domain_error(error), request_id_of(request)
    if isinstance(domain_error, Internal):
        log.error("api.request.failed", path=request.url.path, request_id=request_id, exc_info=error)
    return problem(domain_error, path=request.url.path, request_id=request_id)


def _client(request: AnyRequest) -> str:
    return request.client.host if request.client else "?"
