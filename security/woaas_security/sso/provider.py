"""Talking to an identity provider: OpenID Connect Core 1.0 §3.1, code flow with PKCE (RFC 7636), as its relying party.

Authlib makes the requests and judges the claims of ID tokens; every call goes through the guard of outbound calls.
"""

import secrets
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote_plus

import httpx2
import msgspec

from woaas_core.clock import Clock
from woaas_core.errors import DomainError, SSRFBlocked
from woaas_core.outbound.addresses import Outbound
from woaas_core.outbound.http import checked_url
from woaas_security.sso.arrival import Claims

# Signed with a key that only the provider has; never ``none`` and no secret that we share.
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
_LEEWAY_S = 30
_METADATA = "/.well-known/openid-configuration"
_MOST_GROUPS = 500
T = TypeVar("T")


class ProviderFailed(DomainError):
    """The provider said no, or something that cannot be believed. What exactly is for the log."""

    code = "sso_failed"
    title = "Signing in with your organisation did not work"
    status = 403
    hint = "Try again; if it stays so, ask who runs the identity provider."


class Metadata(msgspec.Struct):
    """What of a provider's discovery document is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Client(NamedTuple):
    """Who we are to a provider, and the claim whose values stand for roles."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    role_claim: str | None = None


class Secrets(NamedTuple):
    """What binds an answer to the request and the browser that it began in."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def fresh(cls) -> "Secrets":
        """New ones, 256 bits each."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


class _Tokens(msgspec.Struct):
    id_token: str
    access_token: str = ""


async def discover(http: httpx2.AsyncClient, issuer: str, outbound: Outbound) -> Metadata:
    """A provider's metadata.

    Raises:
        ProviderFailed: none, another issuer's, or with addresses that are not called from here.
    """
    found = _read(await _sent(http, "GET", issuer.rstrip("/") + _METADATA), Metadata)
    if found.issuer != issuer:
        msg = "The document is another issuer's."
        raise _failed(msg)
    try:
        # The browser is sent there too, so it must be an address as good as those that are called.
        checked_url(found.authorization_endpoint, outbound)
    except SSRFBlocked as error:
        raise _failed(error.detail) from None
    return found


def authorization_url(metadata: Metadata, client: Client, own: Secrets, *, forces: bool = False) -> str:
    """Where the browser is sent to sign in; with ``forces`` the provider has to ask him anew."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415 - heavy, and few sign in so
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415

    made: str = prepare_grant_uri(
        metadata.authorization_endpoint,
        client.client_id,
        "code",
        redirect_uri=client.redirect_uri,
        scope="openid email profile",
        state=own.state,
        nonce=own.nonce,
        code_challenge=create_s256_code_challenge(own.verifier),
        code_challenge_method="S256",
        **({"prompt": "login", "max_age": "0"} if forces else {}),
    )
    return made


def check_issuer(metadata: Metadata, answered: str | None) -> None:
    """Refuse an answer that another provider gave (RFC 9207).

    Raises:
        ProviderFailed: it did, or does not say so although it always does.
    """
    is_missing = answered is None and metadata.authorization_response_iss_parameter_supported
    if is_missing or answered not in (None, metadata.issuer):
        msg = "The answer is another issuer's."
        raise _failed(msg)


async def redeem(
    http: httpx2.AsyncClient, metadata: Metadata, client: Client, own: Secrets, code: str, clock: Clock
) -> Claims:
    """The person for whom a code was given.

    Raises:
        ProviderFailed: the code or the ID token is not good.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_token_request  # noqa: PLC0415

    form = {"code": code, "code_verifier": own.verifier}
    auth = None
    if "client_secret_post" in metadata.token_endpoint_auth_methods_supported:
        form |= {"client_id": client.client_id, "client_secret": client.client_secret}
    else:
        # RFC 6749 §2.3.1: both are encoded as in a form first.
        auth = httpx2.BasicAuth(quote_plus(client.client_id), quote_plus(client.client_secret))
    body = prepare_token_request("authorization_code", redirect_uri=client.redirect_uri, **form)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await _sent(http, "POST", metadata.token_endpoint, content=body, headers=headers, auth=auth)
    tokens = _read(answer, _Tokens)
    keys = _read(await _sent(http, "GET", metadata.jwks_uri), dict[str, Any])
    found = checked_claims(tokens.id_token, tokens.access_token, keys, client, own, clock)
    if "email" not in found and metadata.userinfo_endpoint and tokens.access_token:
        bearer = {"Authorization": f"Bearer {tokens.access_token}"}
        about = _read(await _sent(http, "GET", metadata.userinfo_endpoint, headers=bearer), dict[str, Any])
        if about.get("sub") != found["sub"]:
            # OpenID Connect Core §5.3.2: else it may be somebody else's.
            msg = "The provider tells of somebody else."
            raise _failed(msg)
        found = {**about, **found}
    return Claims(
        found["sub"],
        _text(found, "email").strip().lower(),
        found.get("email_verified") is True,
        _text(found, "name"),
        _groups(found, client.role_claim),
        _instant(found.get("auth_time")),
    )


def checked_claims(
    token: str, access_token: str, keys: dict[str, Any], client: Client, own: Secrets, clock: Clock
) -> dict[str, Any]:
    """The claims of an ID token that is the provider's, for us, of now and of this very request (§3.1.3.7).

    Raises:
        ProviderFailed: it is not.
    """
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 - as above
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    try:
        decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "value": client.issuer}, "aud": {"essential": True, "value": client.client_id}},
            {"client_id": client.client_id, "nonce": own.nonce, "access_token": access_token},
        )
        claims.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY_S)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        msg = f"The ID token cannot be believed: {type(error).__name__} {getattr(error, 'claim', '')}".strip()
        raise _failed(msg) from None
    found: dict[str, Any] = dict(claims)
    if not isinstance(found["sub"], str) or not 0 < len(found["sub"]) <= 255:
        msg = "The ID token names nobody."
        raise _failed(msg)
    return found


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value[:250] if isinstance(value, str) else ""


def _groups(claims: dict[str, Any], name: str | None) -> tuple[str, ...]:
    value = claims.get(name) if name else None
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed[:_MOST_GROUPS] if isinstance(one, str))


def _instant(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


async def _sent(http: httpx2.AsyncClient, method: str, url: str, **options: Any) -> httpx2.Response:
    options["headers"] = {"Accept": "application/json", **options.get("headers", {})}
    try:
        answer = await http.request(method, url, **options)
    except (httpx2.HTTPError, SSRFBlocked) as error:
        msg = f"The provider does not answer: {type(error).__name__}."
        raise _failed(msg) from error
    if answer.status_code != 200:
        msg = f"The provider answered {answer.status_code}."
        raise _failed(msg)
    return answer


def _read(answer: httpx2.Response, into: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=into)
    except msgspec.DecodeError as error:
        msg = "The provider's answer has another form than it must."
        raise _failed(msg) from error


def _failed(detail: str) -> ProviderFailed:
    return ProviderFailed(detail)
