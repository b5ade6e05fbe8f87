"""Signing in by an identity provider: to it and back.

Both ways talk to the provider, which no transaction waits for, so these are handlers of their own beside the pages.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from woaas_api.answers import RawResponse
from woaas_api.console.door import SSO_COOKIE, Console, safe_path, visit_of
from woaas_api.console.page import Visit
from woaas_api.edge import SESSION_COOKIE, AnyRequest
from woaas_api.problems import log, request_id_of
from woaas_core.errors import NotFound
from woaas_core.ids import decode_id, encode_id
from woaas_core.outbound.http import outbound_client
from woaas_security.identity.service import Origin, SignedIn
from woaas_security.sso import provider, repository
from woaas_security.sso.arrival import ANSWER_LIFE, Claims, NotAdmitted, arrive
from woaas_security.sso.provider import Client, ProviderFailed, Secrets
from woaas_security.sso.service import place

_TOO_LATE = "This browser did not begin to sign in, or too long ago."


class Flow(msgspec.Struct):
    """What the browser keeps, sealed, while it is at the provider."""

    connection: UUID
    secrets: Secrets
    wanted: str
    until: datetime


class SignOn:
    """The two ways, over the console's own looks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._edge = console.edge
        self._keyring = console.edge.authenticator.keyring

    def steps(self) -> tuple[tuple[str, Callable[[AnyRequest, str], Awaitable[RawResponse]]], ...]:
        """The paths and what serves them; the callback has one for each connection, against mix-ups (RFC 9700 §4.4)."""
        return (("/console/sso/{key:str}/start", self.go), ("/console/sso/{key:str}/callback", self.come_back))

    async def go(self, request: AnyRequest, key: str) -> RawResponse:
        """Send the browser to the provider of a connection."""
        visit = visit_of(request)
        try:
            self._console.limit(visit)
            client = await self._client(decode_id("sso", key))
            async with outbound_client(self._edge.settings.outbound) as http:
                metadata = await provider.discover(http, client.issuer, self._edge.settings.outbound)
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            return self._failure(visit, error)
        own = Secrets.fresh()
        flow = Flow(
            decode_id("sso", key), own, safe_path(request.query_params.get("next", "")), self._now() + ANSWER_LIFE
        )
        response = self._console.leave(request, provider.authorization_url(metadata, client, own))
        # The way back begins on the provider's site, so the browser must send this one from there.
        self._console.set_cookie(response, SSO_COOKIE, self._sealed(flow), samesite="lax")
        return response

    async def come_back(self, request: AnyRequest, key: str) -> RawResponse:
        """Start the session of whom the provider has named."""
        visit = visit_of(request)
        try:
            self._console.limit(visit)
            flow = self._flow(request, key)
            started = await self._arrive(visit, flow, await self._claims(request, flow))
        except Exception as error:  # noqa: BLE001, RUF100 - as for every page
            response = self._failure(visit, error)
        else:
            response = self._console.go_on(visit, flow.wanted)
            self._console.set_cookie(response, SESSION_COOKIE, started.token)
        self._console.set_cookie(response, SSO_COOKIE, None, samesite="lax")
        return response

    async def _claims(self, request: AnyRequest, flow: Flow) -> Claims:
        asked = request.query_params
        client = await self._client(flow.connection)
        async with outbound_client(self._edge.settings.outbound) as http:
            metadata = await provider.discover(http, client.issuer, self._edge.settings.outbound)
            provider.check_issuer(metadata, asked.get("iss"))
            if "code" not in asked:
                msg = "The provider did not let you in."
                raise ProviderFailed(msg)
            return await provider.redeem(http, metadata, client, flow.secrets, asked["code"], self._edge.database.clock)

    async def _arrive(self, visit: Visit, flow: Flow, claims: Claims) -> SignedIn:
        request = visit.request
        origin = Origin(request.client.host if request.client else "", request.headers.get("user-agent", ""))
        async with self._edge.database.unit_of_work() as uow:
            uow.request_id = request_id_of(request)
            connection = await repository.enter(uow, flow.connection)
            if connection is None:
                raise NotFound
            language, state = visit.language.code, flow.secrets.state
            try:
                return await arrive(uow, self._edge.authenticator, connection, claims, state, origin, language)
            except NotAdmitted as error:
                # The refusal is on record, so the transaction ends well.
                refused = error
        raise refused

    async def _client(self, connection_id: UUID) -> Client:
        async with self._edge.database.unit_of_work() as uow:
            row = await repository.enter(uow, connection_id)
        secret = self._keyring.open(row["client_secret"], place(connection_id)) if row else None
        if row is None or secret is None:
            raise NotFound
        back = f"{self._edge.settings.url}/console/sso/{encode_id('sso', connection_id)}/callback"
        return Client(row["issuer"], row["client_id"], secret.decode(), back, row["role_claim"])

    def _flow(self, request: AnyRequest, key: str) -> Flow:
        """What was kept, if this is the answer to it.

        Raises:
            ProviderFailed: it is not: another browser, connection or request, or too late.
        """
        try:
            raw = base64.urlsafe_b64decode(request.cookies.get(SSO_COOKIE, "").encode("ascii", "replace"))
            flow = msgspec.json.decode(self._keyring.open(raw, SSO_COOKIE) or b"", type=Flow)
        except (ValueError, msgspec.DecodeError):
            raise ProviderFailed(_TOO_LATE) from None
        is_state = hmac.compare_digest(request.query_params.get("state", "").encode(), flow.secrets.state.encode())
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
