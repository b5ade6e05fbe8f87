"""Use cases of connections: made, changed, removed."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from msgspec import UNSET

from woaas_core.errors import Conflict, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.outbound.addresses import Outbound
from woaas_core.outbound.http import checked_url
from woaas_core.wire import given, invalid
from woaas_security.authz.lines import OWNER_ROLE
from woaas_security.identity.keyring import Keyring
from woaas_security.identity.service import check_roles
from woaas_security.permissions.escalation import Registry, require_covered
from woaas_security.permissions.service import require_role
from woaas_security.principal import Principal
from woaas_security.sso import domains, events, repository
from woaas_security.sso.inputs import FROM_METADATA, WRITE_ONLY, ConnectionPatch, NewConnection
from woaas_security.sso.resources import SSO_CONNECTION
from woaas_security.sso.saml.judgement import facts_of
from woaas_security.sso.saml.requests import Party
from woaas_security.sso.saml.verifier import Verifier

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

LEAST_ROLE = "operator"
OIDC, SAML = "oidc", "saml"
_NEEDED = {OIDC: ("issuer", "client_id", "client_secret"), SAML: ("metadata",)}


class Reader(NamedTuple):
    """What reads the metadata of a SAML provider, and judges where it leads."""

    verifier: Verifier
    outbound: Outbound

    async def facts(self, text: str, now: datetime) -> dict[str, Any]:
        """What of it is kept."""
        found = await facts_of(self.verifier, text, self.outbound, now)
        return {"issuer": found.entity_id, "sign_on_url": found.sign_on_url, "certificates": found.certificates}


async def get(
    uow: "UnitOfWork", principal: Principal, connection_id: UUID, action: str = "read", *, lock: bool = False
) -> "Record":
    """A connection.

    Raises:
        NotFound: none of this tenant.
    """
    principal.require(SSO_CONNECTION, action)
    row = await repository.get(uow, connection_id, lock=lock)
    if row is None:
        raise NotFound
    return row


async def create(
    uow: "UnitOfWork",
    principal: Principal,
    body: NewConnection,
    *,
    keyring: Keyring,
    reader: Reader,
    registry: Registry,
) -> "Record":
    """Connect an identity provider; who comes by it for the first time gets ``roles``, the least unless said.

    Raises:
        SSRFBlocked: the issuer, or where a SAML provider signs people in, is no public https address.
        Invalid: what the protocol needs is missing, or the metadata cannot be used.
        SAMLMissing: this installation has no SAML.
        Forbidden: the roles have more than the caller.
    """
    sent: dict[str, Any] = given(body)
    protocol = sent.setdefault("protocol", OIDC)
    principal.require(SSO_CONNECTION, "create").check_writable(_written(sent))
    _check_members(protocol, sent, _NEEDED[protocol])
    connection_id, now = uuid7(), uow.clock.now()
    if protocol == OIDC:
        checked_url(sent["issuer"], reader.outbound)
    entries = domains.renewed([], [] if body.domains is UNSET else body.domains)
    values: dict[str, Any] = {
        "name": body.name,
        "protocol": protocol,
        "issuer": sent.get("issuer"),
        "client_id": sent.get("client_id"),
        "sign_on_url": None,
        "certificates": [],
        **(await reader.facts(sent["metadata"], now) if protocol == SAML else {}),
        "domains": entries,
        "roles": [LEAST_ROLE] if body.roles is UNSET else body.roles,
        "role_claim": None if body.role_claim is UNSET else body.role_claim,
        "role_map": {} if body.role_map is UNSET else body.role_map,
        "enforced": False,
        "enabled": True,
    }
    await _check_roles(uow, principal, values, registry)
    own: dict[str, Any] = {
        "id": connection_id,
        "client_secret": _sealed(keyring, connection_id, sent["client_secret"]) if protocol == OIDC else None,
        "verified_domains": [],
        "domains_due_at": now if entries else None,
        "version": 1,
        "created_at": now,
        "updated_at": now,
    }
    await repository.insert(uow, {**values, **own})
    uow.record(events.CONNECTION_CREATED, subject=encode_id("sso", connection_id), version=(None, 1), changes=values)
    row = await repository.get(uow, connection_id)
    assert row is not None
    return row


async def change(
    uow: "UnitOfWork",
    principal: Principal,
    known: "Record",
    body: ConnectionPatch,
    *,
    keyring: Keyring,
    reader: Reader,
    registry: Registry,
) -> "Record":
    """Change a connection; a domain that is new to it is unverified until its record is found.

    Raises:
        Forbidden: the roles have more than the caller.
        Conflict: it is to be enforced while no domain of it is verified.
        Invalid: a member that its protocol does not have, or metadata of another provider.
    """
    sent: dict[str, Any] = given(body)
    principal.require(SSO_CONNECTION, "update").check_writable(_written(sent))
    _check_members(known["protocol"], sent)
    if "metadata" in sent:
        facts = await reader.facts(sent.pop("metadata"), uow.clock.now())
        if facts["issuer"] != known["issuer"]:
            raise invalid("/metadata", "invalid", "It is another provider's, who may call others so: connect it anew.")
        sent |= facts
    values = {**known, **sent}
    if "domains" in sent:
        sent["domains"] = values["domains"] = domains.renewed(known["domains"], sent["domains"])
        values["verified_domains"] = domains.verified(values["domains"])
        is_settled = len(values["verified_domains"]) == len(values["domains"])
        values["domains_due_at"] = None if is_settled else uow.clock.now()
    if sent.keys() & {"roles", "role_map", "role_claim"}:
        await _check_roles(uow, principal, values, registry)
    if values["enforced"] and values["enabled"] and not values["verified_domains"]:
        msg = "Nobody could sign in: verify a domain before the connection is enforced."
        raise Conflict(msg)
    if "client_secret" in sent:
        values["client_secret"] = _sealed(keyring, known["id"], sent["client_secret"])
    row = await repository.change(uow, known["id"], values)
    uow.record(
        events.CONNECTION_CHANGED,
        subject=encode_id("sso", known["id"]),
        version=(known["version"], row["version"]),
        changes={n: v for n, v in sent.items() if n != "client_secret"},
    )
    return row


async def remove(uow: "UnitOfWork", principal: Principal, connection_id: UUID) -> None:
    """Remove a connection: nobody signs in by it any more; sessions that it began go on to their end."""
    known = await get(uow, principal, connection_id, "delete", lock=True)
    await repository.remove(uow, connection_id)
    uow.record(events.CONNECTION_DELETED, subject=encode_id("sso", connection_id), version=(known["version"], None))


def place(connection_id: UUID) -> str:
    """What a connection's secret is sealed for."""
    return f"sso:{connection_id}"


def party(base_url: str, connection_id: UUID) -> Party:
    """Who we are to the provider of a SAML connection."""
    here = f"{base_url}/console/sso/{encode_id('sso', connection_id)}"
    return Party(f"{here}/metadata", f"{here}/acs")


def _written(sent: dict[str, Any]) -> set[str]:
    return (sent.keys() - WRITE_ONLY) | (FROM_METADATA if "metadata" in sent else frozenset())


def _check_members(protocol: str, sent: dict[str, Any], needed: Iterable[str] = ()) -> None:
    foreign = next((name for name in sent if name in _NEEDED[SAML if protocol == OIDC else OIDC]), None)
    if foreign is not None:
        raise invalid(f"/{foreign}", "invalid", f"A connection by {protocol} has no {foreign}.")
    missing = next((name for name in needed if name not in sent), None)
    if missing is not None:
        raise invalid(f"/{missing}", "required", f"A connection by {protocol} needs it.")


def _sealed(keyring: Keyring, connection_id: UUID, secret: str) -> bytes:
    return keyring.seal(secret.encode(), place(connection_id))


async def _check_roles(uow: "UnitOfWork", principal: Principal, values: dict[str, Any], registry: Registry) -> None:
    await check_roles(uow, values["roles"])
    mapped = sorted(set(values["role_map"].values()))
    await _refuse_owner(uow, values["roles"], "/roles")
    if mapped:
        await check_roles(uow, mapped)
        await _refuse_owner(uow, mapped, "/role_map")
    require_covered(principal, frozenset([*values["roles"], *mapped]), registry)


async def _refuse_owner(uow: "UnitOfWork", roles: Iterable[str], pointer: str) -> None:
    for role in roles:
        if OWNER_ROLE in await require_role(uow, role, pointer):
            raise invalid(pointer, "invalid", "Nobody becomes an owner by signing in; owners are made by owners.")
