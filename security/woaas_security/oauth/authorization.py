"""Use cases of `/oauth/authorize`: what an application asks of a person, and his answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from authlib.oauth2.rfc6749 import OAuth2Error

from woaas_core.errors import DomainError
from woaas_core.ids import encode_id, uuid7
from woaas_security.oauth import events, repository
from woaas_security.oauth.protocol import GRANT_LIFE, Server
from woaas_security.oauth.records import Client, Stored
from woaas_security.oauth.requests import Sent, parameters_of
from woaas_security.oauth.scopes import split
from woaas_security.oauth.service import Provider, load_client
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

PROMPTS = frozenset({"none", "login", "consent", "select_account"})


class CannotAsk(DomainError):
    """A request of an application that cannot be told to it, since where it wants to be told is not its own."""

    code = "authorization_request_refused"
    title = "The application asked in a way that cannot be answered"
    status = 400
    hint = "Whoever runs the application has to correct its client_id, redirect_uri or parameters."


class Elsewhere(Exception):
    """The answer is already known: an error that the application is told."""

    def __init__(self, location: str) -> None:
        super().__init__("answered at the redirect URI")
        self.location = location


class Step(StrEnum):
    """What comes next."""

    SIGN_IN = "sign_in"
    SIGN_IN_AGAIN = "sign_in_again"
    ASK = "ask"
    ALLOW = "allow"


@dataclass(frozen=True)
class Asked:
    """A request that may be put to a person."""

    client: Client
    sent: Sent
    server: Server
    grant: Any
    scopes: tuple[str, ...]
    prompts: frozenset[str]
    max_age: timedelta | None

    @property
    def redirect_uri(self) -> str:
        """Where the answer goes."""
        return str(self.grant.redirect_uri)

    def refused(self, error: str, description: str) -> Elsewhere:
        """An error that the application is told."""
        told = OAuth2Error(
            error=error, description=description, redirect_uri=self.redirect_uri, state=self.sent.form.get("state")
        )
        return Elsewhere(self.server.told(self.sent, told).location)


async def ask(uow: "UnitOfWork", provider: Provider, pairs: list[tuple[str, str]]) -> Asked:
    """Read a request.

    Raises:
        CannotAsk: whom to tell is not certain: an unknown application, or an address that is not registered.
        Elsewhere: it is at fault otherwise, which the application is told.
    """
    try:
        parameters = parameters_of(pairs)
    except OAuth2Error as error:
        raise CannotAsk(error.description) from None
    sent = Sent("GET", parameters)
    client = await load_client(uow, provider, parameters.get("client_id"))
    if client is not None and "redirect_uri" not in parameters:
        msg = "The request has no redirect_uri."
        raise CannotAsk(msg)
    server = Server(provider.tokens, Stored(client), client.row["tenant_id"] if client else UUID(int=0))
    try:
        grant = server.get_consent_grant(sent)
    except OAuth2Error as error:
        if not error.redirect_uri:
            raise CannotAsk(error.description or None) from None
        raise Elsewhere(server.told(sent, error).location) from None
    assert client is not None
    prompts, max_age = frozenset(parameters.get("prompt", "").split()), parameters.get("max_age", "")
    asked = Asked(client, sent, server, grant, split(sent.scope), prompts, _span(max_age))
    if not prompts <= PROMPTS or ("none" in prompts and len(prompts) > 1) or (max_age and asked.max_age is None):
        raise asked.refused("invalid_request", "prompt or max_age is not one there is.")
    return asked


def next_step(
    prompts: frozenset[str], max_age: timedelta | None, signed_in_for: timedelta | None, *, is_settled: bool
) -> Step:
    """What to do with a request: pure (OpenID Connect Core §3.1.2.1).

    ``signed_in_for`` is None where nobody is; ``is_settled`` where nobody has to be asked again.
    """
    if signed_in_for is None:
        return Step.SIGN_IN
    if prompts & {"login", "select_account"} or (max_age is not None and signed_in_for > max_age):
        return Step.SIGN_IN_AGAIN
    return Step.ALLOW if is_settled and "consent" not in prompts else Step.ASK


async def is_settled(uow: "UnitOfWork", principal: Principal, asked: Asked) -> bool:
    """Whether a person need not be asked: the tenant's own application, or one he has let have as much before.

    A public application cannot prove who it is, so of one of others he is asked each time (RFC 6749 §10.2).
    """
    row = asked.client.row
    if row["first_party"]:
        return True
    if row["type"] == "public":
        return False
    since = uow.clock.now() - GRANT_LIFE
    return await repository.has_consented(uow, principal.id, asked.client.id, list(asked.scopes), since)


async def allow(
    uow: "UnitOfWork", provider: Provider, principal: Principal, asked: Asked, authenticated_at: datetime
) -> str:
    """Let the application in; returns where its code is taken."""
    reply = asked.server.allowed(asked.sent, asked.grant, principal)
    code, now = asked.server.decided.code, uow.clock.now()
    assert code is not None
    parameters: Mapping[str, str] = asked.sent.form
    row: dict[str, Any] = {
        "tenant_id": uow.tenant,
        "id": uuid7(),
        "client_id": asked.client.id,
        "user_id": principal.id,
        "scopes": list(asked.scopes),
        "redirect_uri": asked.redirect_uri,
        "code_hash": provider.hash_of("code", code),
        "code_challenge": parameters["code_challenge"],
        "nonce": parameters.get("nonce"),
        "authenticated_at": authenticated_at,
        "created_at": now,
        "code_used_at": None,
        "revoked_at": None,
    }
    await uow.execute(repository.INSERT_GRANT, **row)
    data = {"client_id": asked.client.get_client_id(), "scopes": list(asked.scopes)}
    uow.record(events.GRANT_CREATED, subject=encode_id("oag", row["id"]), data=data)
    return reply.location


def _span(text: str) -> timedelta | None:
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None
