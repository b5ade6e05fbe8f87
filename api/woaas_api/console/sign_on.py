"""Signing in by an identity provider: to it and back.

Both ways talk to the provider, or to the process that reads what it wrote, and no transaction waits for that: so these
are handlers of their own beside the pages.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response

from woaas_api.answers import RawResponse
from woaas_api.console.confirming import Intent, intent_of
from woaas_api.console.door import SSO_COOKIE, Console, read_form, safe_path, visit_of
from woaas_api.console.page import PROOF_COOKIE, Method, Visit
from woaas_api.edge import SESSION_COOKIE, AnyRequest, client_of
from woaas_api.problems import log, request_id_of
from woaas_core.errors import NotFound
from woaas_core.ids import decode_id, encode_id
from woaas_core.outbound.http import outbound_client
from woaas_security.identity.service import Origin
from woaas_security.sso import provider, repository
from woaas_security.sso.arrival import ANSWER_LIFE, Claims, NotAdmitted, arrive, confirm, refuse
from woaas_security.sso.provider import Client, ProviderFailed, Secrets
from woaas_security.sso.saml import requests
from woaas_security.sso.saml.judgement import claims_of
from woaas_security.sso.service import SAML, party, place

if TYPE_CHECKING:
    from asyncpg import Record

_SKEW_S = 30
_TOO_LATE = "This browser did not begin to sign in, or too long ago."
_METADATA_TYPE = "application/samlmetadata+xml"

Step = Callable[[AnyRequest, str], Awaitable[RawResponse]]


class Flow(msgspec.Struct):
    """What the browser keeps, sealed, while it is at the provider."""

    connection: UUID
    secrets: Secrets
    wanted: str
    until: datetime
    # Set where a user who is signed in has himself asked anew.
    confirms: Intent | None = None


class Told(NamedTuple):
    """Whom a provider has named, and what of its answer counts once."""

    claims: Claims
    answers: tuple[str, ...]


Read = Callable[[AnyRequest, Flow, "Record"], Awaitable[Told]]


class SignOn:
    """The two ways, over the console's own looks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._edge = console.edge
        self._keyring = console.edge.authenticator.keyring

    def steps(self) -> tuple[tuple[Method, str, Step], ...]:
        """The ways and what serves them; each connection has an end of its own, against mix-ups (RFC 9700 §4.4)."""
        here = "/console/sso/{key:str}"
        return (
            ("GET", f"{here}/start", self.go),
            ("GET", f"{here}/confirm", self.confirm),
            ("GET", f"{here}/callback", self.come_back),
            ("POST", f"{here}/acs", self.receive),
            ("GET", f"{here}/metadata", self.metadata),
        )

    async def go(self, request: AnyRequest, key: str) -> RawResponse:
        """Send the browser to the provider of a connection."""
        return await self._leave(request, key, safe_path(request.query_params.get("next", "")), None)

    async def confirm(self, request: AnyRequest, key: str) -> RawResponse:
        """Have the provider ask somebody anew who is signed in, for what he is about to do."""
        intent = intent_of(self._keyring, request.query_params.get("intent", ""))
        try:
            if intent is None or intent.until <= self._now() or intent.connection != decode_id("sso", key):
                raise ProviderFailed(_TOO_LATE)
            async with self._edge.database.unit_of_work() as uow:
                reader, _ = await self._edge.authenticator.by_session(uow, request.cookies.get(SESSION_COOKIE, ""))
            if reader.id != intent.user:
                raise ProviderFailed(_TOO_LATE)
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            return self._failure(visit_of(request), error)
        return await self._leave(request, key, safe_path(intent.wanted), intent)

    async def _leave(self, request: AnyRequest, key: str, wanted: str, confirms: Intent | None) -> RawResponse:
        visit, own, forces = visit_of(request), Secrets.fresh(), confirms is not None
        try:
            self._console.limit(visit)
            row = await self._connection(decode_id("sso", key))
            is_saml = row["protocol"] == SAML
            location = self._saml_location(row, own, forces) if is_saml else await self._location(row, own, forces)
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            return self._failure(visit, error)
        flow = Flow(row["id"], own, wanted, self._now() + ANSWER_LIFE, confirms)
        response = self._console.leave(request, location)
        # The way back begins on the provider's site, so the browser must send this one from there; with a form, which
        # SAML's answers are, it only does so unrestricted.
        is_form = row["protocol"] == SAML and self._console.is_secure
        self._console.set_cookie(response, SSO_COOKIE, self._sealed(flow), samesite="none" if is_form else "lax")
        return response

    async def come_back(self, request: AnyRequest, key: str) -> RawResponse:
        """Start the session of whom an OpenID provider has named."""
        return await self._finish(request, key, request.query_params.get("state", ""), self._by_code)

    async def receive(self, request: AnyRequest, key: str) -> RawResponse:
        """Start the session of whom a SAML provider has named: the assertion consumer service."""
        try:
            form = dict(await read_form(request))
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            return self._failure(visit_of(request), error)
        by = partial(self._by_assertion, form.get("SAMLResponse", ""))
        return await self._finish(request, key, form.get("RelayState", ""), by)

    async def metadata(self, request: AnyRequest, key: str) -> RawResponse:
        """What a SAML provider has to know of us."""
        try:
            row = await self._connection(decode_id("sso", key))
            if row["protocol"] != SAML:
                raise NotFound
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            return self._failure(visit_of(request), error)
        text = requests.own_metadata(party(self._edge.settings.url, row["id"]))
        return Response(text.encode(), media_type=_METADATA_TYPE, headers={"X-Content-Type-Options": "nosniff"})

    async def _finish(self, request: AnyRequest, key: str, state: str, read: Read) -> RawResponse:
        visit = visit_of(request)
        visitor = self._edge.admission.visitor(None, client_of(request))
        try:
            self._console.limit(visit)
            await visitor.enter("console.sso")
            try:
                flow = self._flow(request, key, state)
                kept = await self._arrive(visit, flow, await self._told(request, flow, read))
            except ProviderFailed as error:
                raise await visitor.failed(error) from None
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            response = self._failure(visit, error)
        else:
            response = self._console.go_on(visit, flow.wanted)
            self._console.set_cookie(response, *kept)
        self._console.set_cookie(response, SSO_COOKIE, None, samesite="lax")
        return response

    async def _told(self, request: AnyRequest, flow: Flow, read: Read) -> Told:
        row = await self._connection(flow.connection)
        try:
            told = await read(request, flow, row)
            since = told.claims.authenticated_at
            if flow.confirms and (since is None or since < (flow.until - ANSWER_LIFE).timestamp() - _SKEW_S):
                msg = "The provider did not ask anew."
                raise ProviderFailed(msg)
        except ProviderFailed as error:
            async with self._edge.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                if connection := await repository.enter(uow, flow.connection):
                    await refuse(uow, self._edge.authenticator, connection, flow.secrets.state, error.detail)
            raise
        return told

    async def _by_code(self, request: AnyRequest, flow: Flow, row: "Record") -> Told:
        asked, client = request.query_params, self._client(row)
        async with outbound_client(self._edge.settings.outbound) as http:
            metadata = await provider.discover(http, client.issuer, self._edge.settings.outbound)
            provider.check_issuer(metadata, asked.get("iss"))
            if "code" not in asked:
                msg = "The provider did not let you in."
                raise ProviderFailed(msg)
            clock = self._edge.database.clock
            claims = await provider.redeem(http, metadata, client, flow.secrets, asked["code"], clock)
        return Told(claims, (flow.secrets.state,))

    async def _by_assertion(self, answer: str, _request: AnyRequest, flow: Flow, row: "Record") -> Told:
        own = party(self._edge.settings.url, row["id"])
        claims, assertion = await claims_of(self._edge.saml, row, own, _request_id(flow.secrets), answer, self._now())
        return Told(claims, (flow.secrets.state, f"assertion:{assertion}"))

    async def _arrive(self, visit: Visit, flow: Flow, told: Told) -> tuple[str, str]:
        """The cookie that he gets: of a new session, or of a proof for what he confirms."""
        request = visit.request
        origin = Origin(request.client.host if request.client else "", request.headers.get("user-agent", ""))
        async with self._edge.database.unit_of_work() as uow:
            uow.request_id = request_id_of(request)
            connection = await repository.enter(uow, flow.connection)
            if connection is None:
                raise NotFound
            language, authenticator = visit.language.code, self._edge.authenticator
            try:
                if flow.confirms is not None:
                    about = flow.confirms.user, flow.confirms.bound_to
                    return PROOF_COOKIE, await confirm(uow, authenticator, connection, *told, *about)
                started = await arrive(uow, authenticator, connection, *told, origin, language)
                return SESSION_COOKIE, started.token
            except NotAdmitted as error:
                # The refusal is on record, so the transaction ends well.
                refused = error
        raise refused

    async def _connection(self, connection_id: UUID) -> "Record":
        async with self._edge.database.unit_of_work() as uow:
            row = await repository.enter(uow, connection_id)
        if row is None:
            raise NotFound
        return row

    async def _location(self, row: "Record", own: Secrets, forces: bool) -> str:
        client, outbound = self._client(row), self._edge.settings.outbound
        async with outbound_client(outbound) as http:
            metadata = await provider.discover(http, client.issuer, outbound)
        return provider.authorization_url(metadata, client, own, forces=forces)

    def _saml_location(self, row: "Record", own: Secrets, forces: bool) -> str:
        us = party(self._edge.settings.url, row["id"])
        return requests.sign_on_url(us, row["sign_on_url"], _request_id(own), own.state, self._now(), forces=forces)

    def _client(self, row: "Record") -> Client:
        secret = self._keyring.open(row["client_secret"] or b"", place(row["id"]))
        if secret is None:
            raise NotFound
        back = f"{self._edge.settings.url}/console/sso/{encode_id('sso', row['id'])}/callback"
        return Client(row["issuer"], row["client_id"], secret.decode(), back, row["role_claim"])

    def _flow(self, request: AnyRequest, key: str, state: str) -> Flow:
        """What was kept, if this is the answer to it.

        Raises:
            ProviderFailed: it is not: another browser, connection or request, or too late.
        """
        try:
            raw = base64.urlsafe_b64decode(request.cookies.get(SSO_COOKIE, "").encode("ascii", "replace"))
            flow = msgspec.json.decode(self._keyring.open(raw, SSO_COOKIE) or b"", type=Flow)
        except (ValueError, msgspec.DecodeError):
            raise ProviderFailed(_TOO_LATE) from None
        is_state = hmac.compare_digest(state.encode(), flow.secrets.state.encode())
        if not is_state or flow.connection != decode_id("sso", key) or flow.until <= self._now():
            raise ProviderFailed(_TOO_LATE)
        return flow

    def _sealed(self, flow: Flow) -> str:
        return base64.urlsafe_b64encode(self._keyring.seal(msgspec.json.encode(flow), SSO_COOKIE)).decode()

    def _now(self) -> datetime:
        return self._edge.database.clock.now()

    def _failure(self, visit: Visit, error: Exception) -> RawResponse:
        if isinstance(error, ProviderFailed):
            log.warning("api.console.sso_failed", reason=error.detail, request_id=request_id_of(visit.request))
            error = ProviderFailed()
        return self._console.failure(visit, error)


def _request_id(own: Secrets) -> str:
    # An XML ID begins with no digit.
    return f"_{own.nonce}"
