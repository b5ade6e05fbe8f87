"""Rows as Authlib asks about them, and what it decides over them."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from authlib.oauth2.rfc6749 import ClientMixin

from woaas_core.db.statements import Row
from woaas_core.ids import encode_id
from woaas_security.oauth.scopes import split
from woaas_security.oauth.tokens import Issued, Subject


class Made(NamedTuple):
    """Tokens that were made, and what they are of."""

    access: Issued
    subject: Subject
    refresh: str | None
    refresh_scopes: tuple[str, ...]
    refresh_until: datetime
    grant_id: UUID | None


@dataclass
class Stored:
    """What the database has of what a request names."""

    client: "Client | None" = None
    code: Row | None = None
    refresh: Row | None = None


@dataclass
class Decided:
    """What is to be written."""

    code: str | None = None
    scopes: tuple[str, ...] = ()
    tokens: Made | None = None
    used_code: UUID | None = None
    replaced: UUID | None = None
    revoked: tuple[UUID, str] | None = None


class SecretHash:
    """How secrets, codes and refresh tokens are kept: each kind under the server's pepper."""

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper

    def __call__(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._pepper, f"oauth:{kind}:{text}".encode("utf-8", "replace"), "sha256")


class Client(ClientMixin):
    """An application as Authlib asks about it."""

    def __init__(self, row: Row, hash_of: "SecretHash", now: datetime) -> None:
        self.row = row
        self.id: UUID = row["id"]
        self._hash_of = hash_of
        self._now = now

    def get_client_id(self) -> str:
        return encode_id("oac", self.id)

    def get_default_redirect_uri(self) -> None:
        """None: a request says where it wants its answer."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        asked = split(scope) if scope else tuple(self.row["scopes"])
        return " ".join(asked) if set(asked) <= set(self.row["scopes"]) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.row["redirect_uris"]

    def check_client_secret(self, client_secret: str) -> bool:
        sent = self._hash_of("secret", client_secret)
        previous, until = self.row["previous_secret_hash"], self.row["previous_secret_expires_at"]
        live = [self.row["secret_hash"], previous if until is not None and until > self._now else None]
        return any([kept is not None and hmac.compare_digest(kept, sent) for kept in live])

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        is_public = self.row["type"] == "public"
        return (method == "none") == is_public and not (is_public and endpoint == "introspection")

    def check_response_type(self, response_type: str | None) -> bool:
        return response_type == "code" and self.check_grant_type("authorization_code")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row["grant_types"]


class Code:
    """An authorization code as Authlib asks about it."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def get_redirect_uri(self) -> str:
        return str(self.row["redirect_uri"])

    def get_scope(self) -> str:
        return " ".join(self.row["scopes"])


class RefreshToken(Code):
    """A refresh token as Authlib asks about it."""

    def check_client(self, client: Client) -> bool:
        return bool(self.row["client_id"] == client.id)
