"""What the authorization server decides, by Authlib, over rows that were read before it is asked.

Authlib's core is synchronous and asks for a client, a code or a token when it wants them; all of them are named by the
request, so they are read first. It changes nothing: what is to be written is in ``Decided``, and the service writes it
in the same transaction. Pure but for randomness and the clock.
"""

import secrets
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidScopeError, OAuth2Error

from woaas_core.db.statements import Row
from woaas_core.ids import uuid7
from woaas_security.oauth.grants import CodeGrant, MachineGrant, Requirements, RotatingRefresh
from woaas_security.oauth.records import Client, Decided, Made, Stored
from woaas_security.oauth.requests import Sent
from woaas_security.oauth.scopes import API_SCOPES, split
from woaas_security.oauth.tokens import Subject, Tokens

REFRESH_LIFE = timedelta(days=30)
GRANT_LIFE = timedelta(days=90)
"""However often it is refreshed, a person signs in again after that time."""


class Reply(NamedTuple):
    """An answer of the protocol: a JSON object, or where to go on."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def location(self) -> str:
        """Where the browser is sent."""
        return self.headers["Location"]


class Server(AuthorizationServer):
    """Authlib's server over one request: reads ``stored``, fills ``decided``."""

    def __init__(self, tokens: Tokens, stored: Stored, tenant_id: UUID) -> None:
        super().__init__()
        self.tokens = tokens
        self.issuer = tokens.issuer
        self.now = tokens.clock.now()
        self.stored = stored
        self.decided = Decided()
        self._tenant_id = tenant_id
        self._made: Made | None = None
        self.register_grant(CodeGrant, [Requirements(required=True)])
        self.register_grant(RotatingRefresh)
        self.register_grant(MachineGrant)

    def query_client(self, client_id: str) -> Client | None:
        client = self.stored.client
        return client if client is not None and client.get_client_id() == client_id else None

    def create_oauth2_request(self, request: Sent) -> Sent:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: what happened is in ``decided``."""

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Reply:
        found = dict(headers)
        if "Location" in found:
            # Also on errors: it tells which server of several has answered (RFC 9207).
            found["Location"] = add_params_to_uri(found["Location"], {"iss": self.issuer})
        return Reply(status, dict(body) if body else {}, found)

    def told(self, request: Sent, error: OAuth2Error) -> Reply:
        """An error as the answer to a request."""
        reply: Reply = self.handle_error_response(request, error)
        return reply

    def exchanged(self, request: Sent) -> Reply:
        """The answer to a request for tokens."""
        reply: Reply = self.create_token_response(request)
        return reply

    def allowed(self, request: Sent, grant: Any, person: object) -> Reply:
        """The answer to a request that a person has allowed."""
        reply: Reply = self.create_authorization_response(request, grant_user=person, grant=grant)
        return reply

    def authenticated(self, request: Sent, methods: tuple[str, ...], endpoint: str) -> Client:
        """The application of a request, once its credentials are right."""
        client: Client = self.authenticate_client(request, methods, endpoint)
        return client

    def generate_token(
        self,
        grant_type: str,
        client: Client,
        user: Row | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        del expires_in  # by kind of subject, not by grant
        scopes = self._machine_scopes(client, scope) if user is None else self._still_allowed(client, scope or "")
        subject = Subject(self._tenant_id, client.id, None if user is None else user["user_id"], scopes)
        access = self.tokens.access_token(uuid7(), subject)
        refresh = f"woaas_refresh_{secrets.token_urlsafe(32)}" if include_refresh_token and user is not None else None
        is_renewal = grant_type == RotatingRefresh.GRANT_TYPE
        began = self.now if user is None else user["grant_created_at" if is_renewal else "created_at"]
        self._made = Made(
            access,
            subject,
            refresh,
            tuple(user["scopes"]) if user is not None else (),
            min(self.now + REFRESH_LIFE, began + GRANT_LIFE),
            None if user is None else user["grant_id" if is_renewal else "id"],
        )
        answer: dict[str, Any] = {
            "access_token": access.text,
            "token_type": "Bearer",
            "expires_in": int(subject.life.total_seconds()),
            "scope": " ".join(scopes),
        }
        return answer | ({"refresh_token": refresh} if refresh else {})

    def save_token(self, token: dict[str, Any], request: Sent) -> None:
        del token, request
        self.decided.tokens = self._made

    def _machine_scopes(self, client: Client, scope: str | None) -> tuple[str, ...]:
        allowed = [s for s in client.row["scopes"] if s in API_SCOPES]
        asked = split(scope) if scope else tuple(allowed)
        if not asked or not set(asked) <= set(allowed):
            raise InvalidScopeError()
        return asked

    def _still_allowed(self, client: Client, scope: str) -> tuple[str, ...]:
        """What was granted, without what the application may no longer have."""
        kept = tuple(s for s in split(scope) if s in client.row["scopes"])
        if not kept:
            raise InvalidScopeError()
        return kept
