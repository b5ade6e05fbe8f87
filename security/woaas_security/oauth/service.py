"""Use cases of the authorization server: exchange, revoke and introspect tokens, and whom a token is for.

Each reads the rows that a request names, lets Authlib decide over them, and writes what it decided, in one transaction.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error

from woaas_core.events.envelope import Actor
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_security.oauth import events, repository
from woaas_security.oauth.grants import AUTHENTICATION
from woaas_security.oauth.protocol import Reply, Server
from woaas_security.oauth.records import Client, Made, SecretHash, Stored
from woaas_security.oauth.requests import Sent, client_id_of, parameters_of
from woaas_security.oauth.tokens import Tokens
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_NOBODY = UUID(int=0)
BY_CLIENT = "revoked_by_client"
_NO_STORE = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}


class Provider:
    """What the authorization server of a process is made of."""

    def __init__(self, tokens: Tokens, pepper: bytes) -> None:
        self.tokens = tokens
        self.hash_of = SecretHash(pepper)


async def exchange(
    uow: "UnitOfWork", provider: Provider, pairs: list[tuple[str, str]], authorization: str | None
) -> Reply:
    """Answer `POST /oauth/token`: a code, a refresh token or credentials for tokens.

    A refusal is an answer too: what it found out, such as a code that came twice, is written with it.
    """
    try:
        sent = Sent("POST", parameters_of(pairs), authorization)
        stored = await _stored(uow, provider, sent)
    except OAuth2Error as error:
        return refusal(error)
    if stored.client is not None:
        await _read_what_is_exchanged(uow, provider, sent.form, stored)
    server = Server(provider.tokens, stored, uow.tenant if stored.client else _NOBODY)
    reply = server.exchanged(sent)
    await _write(uow, provider, server)
    return reply


async def revoke(
    uow: "UnitOfWork", provider: Provider, pairs: list[tuple[str, str]], authorization: str | None
) -> Reply:
    """Answer `POST /oauth/revoke` (RFC 7009): with a refresh token its family ends; an unknown one is no error."""
    try:
        client, sent = await _authenticated(uow, provider, pairs, authorization, "revocation")
    except OAuth2Error as error:
        return refusal(error)
    row = await _token(uow, provider, sent.form["token"])
    if row is None or row["client_id"] != client.id:
        return Reply(200, {}, _NO_STORE)
    now, subject = uow.clock.now(), client.get_client_id()
    if row["kind"] == "refresh":
        await _end_family(uow, row["grant_id"], BY_CLIENT)
    elif await repository.revoke_token(uow, row["id"], now):
        uow.record(events.TOKEN_REVOKED, subject=subject, data={"token_id": encode_id("oat", row["id"])})
    return Reply(200, {}, _NO_STORE)


async def introspect(
    uow: "UnitOfWork", provider: Provider, pairs: list[tuple[str, str]], authorization: str | None
) -> Reply:
    """Answer `POST /oauth/introspect` (RFC 7662): of its own tokens an application learns whether they are in force."""
    try:
        client, sent = await _authenticated(uow, provider, pairs, authorization, "introspection")
    except OAuth2Error as error:
        return refusal(error)
    row = await _token(uow, provider, sent.form["token"])
    if row is None or row["client_id"] != client.id or not _is_live(row, uow):
        return Reply(200, {"active": False}, _NO_STORE)
    who = encode_id("usr", row["user_id"]) if row["user_id"] else client.get_client_id()
    said = {
        "active": True,
        "client_id": client.get_client_id(),
        "sub": who,
        "scope": " ".join(row["scopes"]),
        "iss": provider.tokens.issuer,
        "iat": int(row["created_at"].timestamp()),
        "exp": int(row["expires_at"].timestamp()),
    }
    if row["kind"] == "access":
        said |= {"aud": provider.tokens.issuer, "token_type": "Bearer", "jti": encode_id("oat", row["id"])}
    return Reply(200, said, _NO_STORE)


def refusal(error: OAuth2Error) -> Reply:
    """An error of the protocol as an answer."""
    status, body, headers = error()
    return Reply(status, dict(body), dict(headers))


async def load_client(uow: "UnitOfWork", provider: Provider, client_id: str | None) -> Client | None:
    """The live application of an id, in whatever tenant it is; the tenant is not entered."""
    found = try_decode_id("oac", client_id or "")
    row = None if found is None else await repository.find_client(uow, found)
    return None if row is None else Client(row, provider.hash_of, uow.clock.now())


async def _stored(uow: "UnitOfWork", provider: Provider, sent: Sent) -> Stored:
    client = await load_client(uow, provider, client_id_of(sent))
    if client is not None:
        await tenants.enter(uow, client.row["tenant_id"])
        uow.actor = Actor("oauth_client", client.get_client_id(), client.get_client_id())
    return Stored(client)


async def _read_what_is_exchanged(
    uow: "UnitOfWork", provider: Provider, form: Mapping[str, str], stored: Stored
) -> None:
    match form.get("grant_type"):
        case "authorization_code" if "code" in form:
            stored.code = await repository.code_for_update(uow, provider.hash_of("code", form["code"]))
        case "refresh_token" if "refresh_token" in form:
            token_hash = provider.hash_of("refresh", form["refresh_token"])
            stored.refresh = await repository.refresh_for_update(uow, token_hash)


async def _authenticated(
    uow: "UnitOfWork", provider: Provider, pairs: list[tuple[str, str]], authorization: str | None, endpoint: str
) -> tuple[Client, Sent]:
    sent = Sent("POST", parameters_of(pairs), authorization)
    stored = await _stored(uow, provider, sent)
    server = Server(provider.tokens, stored, uow.tenant if stored.client else _NOBODY)
    client = server.authenticated(sent, AUTHENTICATION, endpoint)
    if "token" not in sent.form:
        raise InvalidRequestError("Missing 'token' in request.")
    return client, sent


async def _token(uow: "UnitOfWork", provider: Provider, text: str) -> "Record | None":
    known = provider.tokens.identify(text)
    if known is not None:
        return await repository.token(uow, known.token_id, None) if known.tenant_id == uow.tenant else None
    return await repository.token(uow, None, provider.hash_of("refresh", text))


def _is_live(row: "Record", uow: "UnitOfWork") -> bool:
    ended = (row["revoked_at"], row["replaced_at"], row["grant_revoked_at"])
    return all(at is None for at in ended) and bool(row["expires_at"] > uow.clock.now())


async def _write(uow: "UnitOfWork", provider: Provider, server: Server) -> None:
    decided, now = server.decided, uow.clock.now()
    if decided.revoked is not None:
        await _end_family(uow, *decided.revoked)
    if decided.used_code is not None:
        await repository.use_code(uow, decided.used_code, now)
    if decided.replaced is not None:
        await repository.replace_token(uow, decided.replaced, now)
    if decided.tokens is not None:
        await _keep(uow, provider, decided.tokens)


async def _keep(uow: "UnitOfWork", provider: Provider, made: Made) -> None:
    subject = made.subject
    row: dict[str, Any] = {
        "tenant_id": uow.tenant,
        "client_id": subject.client_id,
        "grant_id": made.grant_id,
        "user_id": subject.user_id,
        "created_at": uow.clock.now(),
        "replaced_at": None,
        "revoked_at": None,
    }
    access = {"id": made.access.id, "kind": "access", "scopes": list(subject.scopes), "token_hash": None}
    rows = [{**row, **access, "expires_at": made.access.expires_at}]
    if made.refresh is not None:
        refresh = {"id": uuid7(), "kind": "refresh", "scopes": list(made.refresh_scopes)}
        token_hash = provider.hash_of("refresh", made.refresh)
        rows.append({**row, **refresh, "token_hash": token_hash, "expires_at": made.refresh_until})
    await uow.execute_many(repository.INSERT_TOKEN, rows)
    data = {
        "token_id": encode_id("oat", made.access.id),
        "for": subject.text,
        "scopes": list(subject.scopes),
        "grant_id": None if made.grant_id is None else encode_id("oag", made.grant_id),
    }
    uow.record(events.TOKEN_ISSUED, subject=encode_id("oac", subject.client_id), data=data)


async def _end_family(uow: "UnitOfWork", grant_id: UUID, reason: str) -> None:
    if await repository.revoke_grant(uow, grant_id, uow.clock.now()):
        uow.record(events.GRANT_REVOKED, subject=encode_id("oag", grant_id), data={"reason": reason})
