"""The edge of every request: one transaction, authentication, idempotency, rendering, commit.

An endpoint gets a ``Call`` and returns an ``Answer``. The answer is rendered before the commit, so that the
stored answer of an Idempotency-Key and the effect become durable together or not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request
from litestar.exceptions import HTTPException

from woaas_api.admission import Admission
from woaas_api.answers import Answer, Awaited, RawResponse
from woaas_api.awaiting import RunAnswers
from woaas_api.explanation import PARAMETER, is_asked, watch
from woaas_api.health import Metrics
from woaas_api.problems import as_domain_error, log, problem, request_id_of
from woaas_api.queries import Asked, FeedAsked, read_feed_query, read_query
from woaas_api.rendering import render, respond
from woaas_api.room import Room
from woaas_core.conditional import require_match
from woaas_core.db.database import Database
from woaas_core.db.notices import Notices
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import (
    DomainError,
    Internal,
    Invalid,
    Malformed,
    NotFound,
    NotReady,
    Unauthenticated,
    UnsupportedMediaType,
)
from woaas_core.events.log import last_event_of
from woaas_core.events.readers import settled
from woaas_core.ids import try_decode_id
from woaas_core.pagination import CursorCodec
from woaas_core.settings import Settings
from woaas_core.wire import decode
from woaas_security.authz.access import Access
from woaas_security.authz.listing import list_rows
from woaas_security.authz.policy import PolicyCache
from woaas_security.authz.resource import Resource
from woaas_security.denials.service import note_denial
from woaas_security.identity.reauthentication import Prover
from woaas_security.identity.service import Authenticator, Origin
from woaas_security.oauth.service import Provider
from woaas_security.oauth.signing import KeyRing
from woaas_security.oauth.tokens import Tokens
from woaas_security.once import Rendered, is_kept, once, settle
from woaas_security.principal import Principal
from woaas_security.sso.saml.verifier import Verifier
from woaas_solver_farm.schedules.service import RUN_CHANNEL

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")
Endpoint = Callable[["Call"], Awaitable[Answer[Any]]]
Refuse = Callable[..., RawResponse]
ReadBody = Callable[[AnyRequest], Awaitable[bytes]]

SESSION_COOKIE = "woaas_session"
DEVICE_COOKIE = "woaas_device"
CONSOLE_HEADER = "woaas-console"
_WAIT_S = 2.0
_POLL_S = 0.01


class Call:
    """One request inside its transaction."""

    __slots__ = ("edge", "principal", "raw_body", "request", "uow")

    def __init__(self, edge: "Edge", request: AnyRequest, uow: UnitOfWork, principal: Principal, raw: bytes) -> None:
        self.edge = edge
        self.request = request
        self.uow = uow
        self.principal = principal
        self.raw_body = raw

    def body(self, into: type[T], writes: Resource | None = None) -> T:
        """The request body, typed; 400 or 422 where it does not fit.

        Raises:
            FieldForbidden: it names a field of ``writes`` that the caller can see and nobody can write here.
            UnknownField: what does not fit is a field of ``writes`` that the caller cannot see.
        """
        try:
            return decode(self.raw_body, into)
        except Invalid as error:
            if writes is not None and error.errors:
                self.principal.access(writes).explain(error)
            raise

    def charge(self, cost: float) -> None:
        """Have the caller's budget pay for what turned out to be more than one request's worth of work."""
        self.edge.admission.charge(self.principal, self.request.headers.get("authorization"), cost)

    def note_denied(self, code: str) -> None:
        """Note that part of the answer was denied; it is recorded when the answer is there."""
        _state(self.request)["denied"] = code

    @property
    def prover(self) -> Prover:
        """What checks who somebody shows to be in this request."""
        session = self.request.cookies.get(SESSION_COOKIE, "")
        return Prover(self.edge.authenticator.keyring, origin_of(self.request), session)

    def path(self, name: str) -> str:
        """A path parameter; no object has a NUL in its name."""
        text = str(self.request.path_params[name])
        if "\0" in text:
            raise NotFound
        return text

    def list_query(self, access: Access, *, expandable: Collection[str] = (), own: Collection[str] = ()) -> Asked:
        """The query string of a list."""
        return read_query(self.request.query_params.multi_items(), access, expandable=expandable, own=own)

    def feed_query(self, *own: str) -> FeedAsked:
        """The query string of a feed."""
        return read_feed_query(self.request.query_params.multi_items(), own)

    def require_match(self, shown: Callable[[], object] | None) -> None:
        """Honour the request's If-Match; None where there is no object yet."""
        require_match(self.request.headers.get("if-match"), shown)

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

    def __init__(
        self,
        settings: Settings,
        database: Database,
        readers: Collection[str] = (),
        verifier: Verifier | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.saml = verifier or Verifier()
        self.cursors = CursorCodec(settings.secret_key)
        policies = PolicyCache()
        self.built_in = policies.built_in
        tokens = Tokens(settings.url, KeyRing(settings.token_keys_path, database.clock), database.clock)
        self.authorization_server = Provider(tokens, settings.secret_key)
        self.authenticator = Authenticator(pepper=settings.secret_key, policies=policies, tokens=tokens)
        self.admission = Admission(settings, database)
        self._room = Room(max(1, settings.pool_size // 2))
        self._readers = list(readers)
        self.run_notices = Notices(database, RUN_CHANNEL)
        self.metrics = Metrics()
        self._answers = RunAnswers(database, settings.inquiry_wait_s)

    async def serve(
        self,
        request: AnyRequest,
        endpoint: Endpoint,
        *,
        name: str,
        safe: bool,
        refuse: Refuse = problem,
        read: "ReadBody | None" = None,
    ) -> RawResponse:
        """Run an endpoint and answer; every exception becomes a problem. ``name`` is what metrics call it.

        ``read`` takes in a body that is not JSON; what it returns stands for the body where requests are compared.
        """
        began = perf_counter()
        response = await self._answer(request, endpoint, refuse, read or _read_body, name=name, safe=safe)
        await self._note_denial(request, name)
        self.metrics.observe(name, response.status_code or 0, perf_counter() - began)
        return response

    async def _answer(
        self, request: AnyRequest, endpoint: Endpoint, refuse: Refuse, read: ReadBody, *, name: str, safe: bool
    ) -> RawResponse:
        visitor = self.admission.visitor(request.headers.get("authorization"), client_of(request))
        raw: bytes | None = None
        try:
            await visitor.enter(name)
            after = request.headers.get("woaas-after")
            if after:
                await self._wait_for(request, after)
            raw = b"" if safe else await read(request)
            whose = visitor.tenant or visitor.caller
            response = await self._transaction(request, endpoint, raw, safe=safe, whose=whose)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001, RUF100 - the edge is where anything unforeseen becomes a 500
            if isinstance(error, Unauthenticated):
                error = await visitor.failed(error)
            response = _refused(request, error, refuse)
            if not safe and raw is not None and "idempotency-key" in request.headers and is_kept(error):
                response = await self._keep_refusal(request, raw, response, refuse)
        principal = _state(request).get("principal")
        response.headers.update(await visitor.leave(principal))
        return response

    async def preview(self, request: AnyRequest, check: Callable[["Call"], Awaitable[None]]) -> None:
        """Check a request in a transaction of its own, before a long body is taken in."""
        async with self.database.unit_of_work() as uow:
            uow.request_id = request_id_of(request)
            principal = _state(request)["principal"] = await self.authenticate(uow, request)
            await check(Call(self, request, uow, principal, b""))

    async def _note_denial(self, request: AnyRequest, operation: str) -> None:
        """Record that the caller tried what he may not, once his transaction is over; it is no reason to fail."""
        code, principal = _state(request).pop("denied", None), _state(request).get("principal")
        if code is None or principal is None:
            return
        try:
            async with self.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                await note_denial(uow, await self.authenticate(uow, request), operation, code)
        except Exception as error:  # noqa: BLE001, RUF100 - what was denied stays denied
            log.error("api.denial.unrecorded", operation=operation, exc_info=error)

    async def authenticate(self, uow: UnitOfWork, request: AnyRequest) -> Principal:
        """The caller, by API key, by access token or, from the console's own scripts, by session.

        A session only counts with the console's header: another site cannot send it, since CORS is off.
        """
        scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self.authenticator.by_bearer(uow, token.strip(), client_of(request))
        session = request.cookies.get(SESSION_COOKIE)
        if session and request.headers.get(CONSOLE_HEADER):
            principal, _ = await self.authenticator.by_session(uow, session)
            return principal
        raise Unauthenticated

    async def _transaction(
        self, request: AnyRequest, endpoint: Endpoint, raw: bytes, *, safe: bool, whose: UUID | str | None
    ) -> RawResponse:
        awaited: Awaited | None = None
        try:
            async with self._room.of(whose), self.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                principal = _state(request)["principal"] = await self.authenticate(uow, request)
                explains = safe and is_asked(request.query_params.get(PARAMETER))
                call = Call(self, request, uow, watch(principal) if explains else principal, raw)

                async def run() -> Rendered:
                    nonlocal awaited
                    answer = await endpoint(call)
                    if answer.awaited is not None:
                        awaited = answer.awaited
                        await self._answers.expect(awaited.run_id)
                    return render(call, answer)

                key = None if safe else request.headers.get("idempotency-key")
                if key is None:
                    response = respond(call, await run())
                else:
                    rendered = await once(uow, principal, key, place=_place(request), raw=raw, run=run)
                    response = respond(call, rendered)
        except BaseException:
            if awaited is not None:
                self._answers.give_up(awaited.run_id)
            raise
        if awaited is None or not await self._answers.come(awaited.run_id):
            return response
        return await self._answered(request, awaited, raw, key)

    async def _answered(self, request: AnyRequest, awaited: Awaited, raw: bytes, key: str | None) -> RawResponse:
        """The answer of a question that has been answered; it is also what repeating the request will get."""
        async with self.database.unit_of_work() as uow:
            uow.request_id = request_id_of(request)
            principal = await self.authenticate(uow, request)
            call = Call(self, request, uow, principal, raw)
            try:
                answer = await awaited.then(call)
                answer.headers["Woaas-Event-Id"] = await last_event_of(uow, awaited.subject)
                rendered = render(call, answer)
            except DomainError as error:
                refusal = _refused(request, error, problem)
                rendered = Rendered(refusal.status_code or 500, {}, refusal.content, str(refusal.media_type))
            if key is not None:
                await settle(uow, principal, key, place=_place(request), rendered=rendered)
            return respond(call, rendered)

    async def _keep_refusal(self, request: AnyRequest, raw: bytes, refusal: RawResponse, refuse: Refuse) -> RawResponse:
        """Store a refusal under its key, now that the work is rolled back; a twin that was quicker is repeated."""

        async def run() -> Rendered:
            return Rendered(refusal.status_code or 500, {}, refusal.content, str(refusal.media_type))

        try:
            async with self.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                principal = await self.authenticate(uow, request)
                call = Call(self, request, uow, principal, raw)
                key = request.headers["idempotency-key"]
                return respond(call, await once(uow, principal, key, place=_place(request), raw=raw, run=run))
        except Exception as error:  # noqa: BLE001, RUF100 - as for every answer
            return _refused(request, error, refuse)

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


async def _read_body(request: AnyRequest) -> bytes:
    raw = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind and kind != "application/json":
        raise UnsupportedMediaType
    return raw


def _place(request: AnyRequest) -> str:
    return f"{request.method}\n{request.url.path}"


def _refused(request: AnyRequest, error: Exception, refuse: Refuse) -> RawResponse:
    domain_error, request_id = as_domain_error(error), request_id_of(request)
    if domain_error.is_denial:
        _state(request)["denied"] = domain_error.code
    if isinstance(domain_error, Internal):
        log.error("api.request.failed", path=request.url.path, request_id=request_id, exc_info=error)
    return refuse(domain_error, path=request.url.path, request_id=request_id)


def _state(request: AnyRequest) -> dict[str, Any]:
    """What is known of a request beside what it sent."""
    found: dict[str, Any] = request.scope.setdefault("state", {})
    return found


def origin_of(request: AnyRequest) -> Origin:
    """Where a request comes from, for who signs in or signs with it."""
    return Origin(
        address=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
        device=request.cookies.get(DEVICE_COOKIE, ""),
    )


def client_of(request: AnyRequest) -> str:
    """The address a request comes from."""
    return request.client.host if request.client else "?"
