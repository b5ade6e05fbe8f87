"""The grants that are offered, with what Authlib leaves open or allows by default and OAuth 2.1 does not."""

import re
import secrets
from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from woaas_core.db.statements import Row
from woaas_security.oauth.records import Client, Code, RefreshToken
from woaas_security.oauth.requests import Sent
from woaas_security.oauth.scopes import split

CODE_LIFE = timedelta(seconds=120)
AUTHENTICATION = ("client_secret_basic", "client_secret_post", "none")
CODE_REPLAYED, TOKEN_REUSED = "code_replayed", "refresh_token_reused"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
# Parameters that change what a request means, and that this server does not take (OpenID Connect Core §6, RFC 8707).
_NOT_OFFERED = {"request": "request_not_supported", "request_uri": "request_uri_not_supported",
                "registration": "registration_not_supported"}  # fmt: skip


class Requirements(CodeChallenge):
    """PKCE by S256 of everybody (RFC 9700 §2.1.1), and nothing that would change what a request means unheard."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: "CodeGrant", redirect_uri: str) -> None:
        sent = grant.request.payload.data
        for name, error in _NOT_OFFERED.items():
            if name in sent:
                raise OAuth2Error(error=error, description="Send the parameters themselves.")
        if sent.get("response_mode", "query") != "query":
            raise InvalidRequestError("The response mode is query.")
        if sent.get("resource", grant.server.issuer) != grant.server.issuer:
            raise OAuth2Error(error="invalid_target", description="Tokens are for this API only.")
        if sent.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(sent.get("code_challenge", "")):
            raise InvalidRequestError("Send a code_challenge of method S256.")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge(self, authorization_code: Any) -> str:
        return str(authorization_code.row["code_challenge"])

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        return "S256"


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant; a code counts once, and coming again ends what came of it (RFC 6749 §4.1.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION

    def generate_authorization_code(self) -> str:
        return secrets.token_urlsafe(32)

    def save_authorization_code(self, code: str, request: Sent) -> None:
        self.server.decided.code, self.server.decided.scopes = code, split(request.scope)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        del code  # the row was found by it
        row, now = self.server.stored.code, self.server.now
        if row is None or row["client_id"] != client.id:
            return None
        if row["code_used_at"] is not None:
            self.server.decided.revoked = (row["id"], CODE_REPLAYED)
            return None
        return Code(row) if row["revoked_at"] is None and row["created_at"] + CODE_LIFE > now else None

    def authenticate_user(self, authorization_code: Code) -> Row | None:
        row = authorization_code.row
        return row if row["is_active"] else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.decided.used_code = authorization_code.row["id"]

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        status, body, headers = super().create_token_response()
        made, row = self.server.decided.tokens, self.request.authorization_code.row
        if "openid" in made.subject.scopes:
            body["id_token"] = self.server.tokens.id_token(
                made.subject,
                made.access.text,
                person=person(made.subject.scopes, row),
                authenticated_at=row["authenticated_at"],
                nonce=row["nonce"],
            )
        return status, body, headers


class RotatingRefresh(RefreshTokenGrant):
    """The refresh token grant: each token is good for one exchange, and another ends the family (RFC 9700 §4.14)."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        del refresh_token  # the row was found by it
        row, now = self.server.stored.refresh, self.server.now
        if row is None:
            return None
        if row["replaced_at"] is not None:
            self.server.decided.revoked = (row["grant_id"], TOKEN_REUSED)
            return None
        is_over = row["revoked_at"] is not None or row["grant_revoked_at"] is not None or row["expires_at"] <= now
        return None if is_over else RefreshToken(row)

    def authenticate_user(self, refresh_token: RefreshToken) -> Row | None:
        row = refresh_token.row
        return row if row["is_active"] else None

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        self.server.decided.replaced = refresh_token.row["id"]


class MachineGrant(ClientCredentialsGrant):
    """The client credentials grant: an application in its own name, so nothing that is asked of a person."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTHENTICATION[:2]


def person(scopes: tuple[str, ...] | frozenset[str], row: Row) -> dict[str, str]:
    """What identity scopes tell of a user."""
    told = {"name": row["name"]} if "profile" in scopes else {}
    return told | ({"email": row["email"]} if "email" in scopes else {})
