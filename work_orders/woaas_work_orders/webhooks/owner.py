"""Whose rights an endpoint is sent events with: whoever made it, as he may see things now."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.db.statements import Row
from woaas_core.ids import decode_id, encode_id
from woaas_security.identity import repository as identity
from woaas_security.identity.service import Authenticator
from woaas_security.on_behalf import scopes_left
from woaas_security.principal import ID_PREFIXES, Principal

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_KINDS = {prefix: kind for kind, prefix in ID_PREFIXES.items()}


def owner_of(principal: Principal) -> dict[str, Any]:
    """What an endpoint keeps of whoever makes it."""
    return {
        "owner": encode_id(ID_PREFIXES[principal.kind], principal.id),
        "owner_scopes": None if principal.scopes is None else sorted(principal.scopes),
        "owner_client": principal.client_id,
    }


async def present_owner(uow: "UnitOfWork", authenticator: Authenticator, endpoint: Row) -> Principal | None:
    """The owner with the rights he has at this moment; None once his key, account or application has ended.

    A key that was rotated is stood in for by its successor, which has the same rights.
    """
    kind, subject = _parsed(endpoint["owner"])
    if kind == "api_key":
        key = await identity.live_key(uow, subject)
        return None if key is None else await authenticator.present(uow, kind, key)
    found = await authenticator.present(uow, kind, subject)
    if found is None or endpoint["owner_client"] is None:
        return found
    client, kept = endpoint["owner_client"], frozenset(endpoint["owner_scopes"] or ())
    scopes = await scopes_left(uow, found, client, kept)
    return None if scopes is None else replace(found, scopes=scopes, client_id=client)


async def is_owner(uow: "UnitOfWork", principal: Principal, endpoint: Row) -> bool:
    """Whether an endpoint is the caller's own, and sends no more than he may read as he comes now."""
    kind, subject = _parsed(endpoint["owner"])
    if principal.kind != kind:
        return False
    if kind == "api_key":
        subject = await identity.live_key(uow, subject) or subject
    if principal.id != subject:
        return False
    kept = endpoint["owner_scopes"]
    return principal.scopes is None or (kept is not None and principal.scopes >= set(kept))


def _parsed(owner: str) -> tuple[str, UUID]:
    prefix = owner.partition("_")[0]
    return _KINDS[prefix], decode_id(prefix, owner)
