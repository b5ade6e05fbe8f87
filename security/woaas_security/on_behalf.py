"""Work that is done after a request, under what is left by then of the rights it was asked with."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.errors import DomainError
from woaas_security.identity.service import Authenticator
from woaas_security.oauth import repository as oauth
from woaas_security.oauth.protocol import GRANT_LIFE
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork


class RightsEnded(DomainError):
    """Whoever asked for the file has no longer the rights he asked with."""

    code = "rights_ended"
    title = "The rights the file was asked for with have ended"
    status = 409
    hint = "Ask for it again with a key or account that is valid now."


def asked_by(principal: Principal) -> dict[str, Any]:
    """Who asks, and with what rights, as JSON to be kept with what he asks for."""
    return {
        "kind": principal.kind,
        "roles": sorted(principal.roles),
        "id": str(principal.id),
        "scopes": None if principal.scopes is None else sorted(principal.scopes),
        "client": None if principal.client_id is None else str(principal.client_id),
        "customer": principal.customer,
        "scope": dict(principal.scope),
    }


def is_same(principal: Principal, by: dict[str, Any]) -> bool:
    """Whether somebody is who asked."""
    return (principal.kind, str(principal.id)) == (by["kind"], by["id"])


async def requester(uow: "UnitOfWork", by: dict[str, Any], authenticator: Authenticator) -> Principal:
    """Who asked, with what is left of the rights he asked with.

    Raises:
        RightsEnded: his key, account or application has ended, or is now bound to another part of the tenant.
    """
    now = await authenticator.present(uow, by["kind"], UUID(by["id"]))
    if now is None or now.customer != by.get("customer") or now.scope != by.get("scope", {}):
        raise RightsEnded
    client = None if by.get("client") is None else UUID(by["client"])
    scopes = None if by.get("scopes") is None else frozenset(by["scopes"])
    if client is not None:
        scopes = await scopes_left(uow, now, client, scopes or frozenset())
        if scopes is None:
            raise RightsEnded
    return replace(now, roles=now.roles & frozenset(by["roles"]), scopes=scopes, client_id=client)


async def scopes_left(
    uow: "UnitOfWork", person: Principal, client: UUID, scopes: frozenset[str]
) -> frozenset[str] | None:
    """What an application may still do of what it could; None once it was retired, or its user lets it act no more."""
    live = await oauth.live_scopes(uow, client)
    if live is None:
        return None
    since = uow.clock.now() - GRANT_LIFE
    if person.kind == "user" and not await oauth.has_consented(uow, person.id, client, [], since):
        return None
    return live & scopes
