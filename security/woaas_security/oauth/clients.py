"""Use cases of applications: register, change, give a new secret, retire."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import UnsetType

from woaas_core.errors import Conflict, FieldError, Invalid, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import duration_of, given, invalid
from woaas_security.identity.service import check_roles
from woaas_security.oauth import events, repository
from woaas_security.oauth.inputs import ClientChange, NewClient, SecretRotation
from woaas_security.oauth.records import SecretHash
from woaas_security.oauth.redirects import fault_of
from woaas_security.oauth.resources import OAUTH_CLIENT
from woaas_security.oauth.scopes import API_SCOPES, SCOPES
from woaas_security.permissions.escalation import Registry, require_covered
from woaas_security.principal import Principal
from woaas_security.scope import require_within

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_OVERLAP = timedelta(days=1)
_LONGEST_OVERLAP = timedelta(days=30)


class ClientArchived(Conflict):
    """An application that was retired takes no changes."""

    code = "oauth_client_archived"
    title = "The application was retired"
    hint = "Register it anew."


async def create(
    uow: "UnitOfWork", principal: Principal, body: NewClient, registry: Registry, hash_of: SecretHash
) -> tuple[dict[str, Any], str | None]:
    """Register an application; returns its row and, of a confidential one, the secret, which is never shown again.

    Raises:
        Forbidden: it would have more rights than the one who registers it.
    """
    sent = given(body)
    principal.require(OAUTH_CLIENT, "create").check_writable(sent)
    roles, scope = list(sent.get("roles", ())), given(body.scope) if not isinstance(body.scope, UnsetType) else {}
    uris = list(sent.get("redirect_uris", ()))
    grant_types = sorted(set(sent.get("grant_types") or _usual_grants(uris, roles)))
    _check(body, grant_types, uris, roles)
    if roles:
        await check_roles(uow, roles, sent.get("customer"))
    _require_within_own(principal, roles, scope, registry)
    secret = _secret() if body.type == "confidential" else None
    row: dict[str, Any] = {
        "tenant_id": uow.tenant,
        "id": uuid7(),
        "name": body.name,
        "type": body.type,
        "first_party": bool(sent.get("first_party", False)),
        "redirect_uris": uris,
        "grant_types": grant_types,
        "scopes": [s for s in SCOPES if s in body.scopes],
        "roles": roles,
        "customer": sent.get("customer"),
        "scope": scope,
        "secret_hash": None if secret is None else hash_of("secret", secret),
        "previous_secret_hash": None,
        "previous_secret_expires_at": None,
        "created_at": uow.clock.now(),
        "archived_at": None,
    }
    await uow.execute(repository.INSERT_CLIENT, **row)
    told = {name: row[name] for name in ("name", "type", "first_party", "scopes", "roles")}
    kept = {name: row[name] for name in ("redirect_uris", "grant_types", "customer", "scope")}
    uow.record(events.CLIENT_CREATED, subject=encode_id("oac", row["id"]), data=told, changes=kept)
    return row, secret


async def get(uow: "UnitOfWork", principal: Principal, client_id: UUID) -> "Record":
    """An application, retired ones too; never its secret."""
    principal.require(OAUTH_CLIENT, "read")
    row = await repository.client_for_update(uow, client_id)
    if row is None:
        raise NotFound
    return row


async def change(
    uow: "UnitOfWork", principal: Principal, client_id: UUID, body: ClientChange, registry: Registry
) -> "Record":
    """Change what an application may ask for; what was granted to it shrinks with the next use of it.

    Raises:
        Forbidden: it acts by itself with more rights than the caller has.
    """
    row = await _live(uow, principal, "update", client_id)
    _require_within_own(principal, row["roles"], row["scope"], registry)
    changes = given(body)
    principal.access(OAUTH_CLIENT).check_writable(changes)
    if "scopes" in changes:
        changes["scopes"] = _known_scopes(changes["scopes"])
    if "redirect_uris" in changes:
        _check_uris(changes["redirect_uris"], row["grant_types"], is_public=row["type"] == "public")
    updated = await repository.update_client(uow, row, **changes)
    assert updated is not None
    uow.record(events.CLIENT_CHANGED, subject=encode_id("oac", client_id), changes=changes)
    return updated


async def rotate_secret(
    uow: "UnitOfWork",
    principal: Principal,
    client_id: UUID,
    body: SecretRotation,
    registry: Registry,
    hash_of: SecretHash,
) -> tuple["Record", str]:
    """Give a new secret; the one in use goes on for a while, so that nobody is interrupted.

    Raises:
        Forbidden: whoever has the secret would act with more rights than the caller has.
    """
    row = await _live(uow, principal, "rotate_secret", client_id)
    _require_within_own(principal, row["roles"], row["scope"], registry)
    if row["type"] == "public":
        msg = "A public application has no secret."
        raise Conflict(msg)
    text = body.keep_previous_for
    keep = _OVERLAP if isinstance(text, UnsetType) else duration_of(text, "/keep_previous_for")
    if keep > _LONGEST_OVERLAP:
        raise invalid("/keep_previous_for", "invalid", "Thirty days at most.")
    secret, until = _secret(), uow.clock.now() + keep
    updated = await repository.update_client(
        uow,
        row,
        secret_hash=hash_of("secret", secret),
        previous_secret_hash=row["secret_hash"] if keep else None,
        previous_secret_expires_at=until if keep else None,
    )
    assert updated is not None
    uow.record(
        events.CLIENT_SECRET_ROTATED, subject=encode_id("oac", client_id), data={"previous_until": until.isoformat()}
    )
    return updated, secret


async def archive(uow: "UnitOfWork", principal: Principal, client_id: UUID) -> "Record":
    """Retire an application; its secrets and all its tokens are refused from the next request on."""
    row = await _live(uow, principal, "archive", client_id)
    updated = await repository.update_client(uow, row, archived_at=uow.clock.now())
    assert updated is not None
    uow.record(events.CLIENT_ARCHIVED, subject=encode_id("oac", client_id))
    return updated


async def _live(uow: "UnitOfWork", principal: Principal, action: str, client_id: UUID) -> "Record":
    principal.require(OAUTH_CLIENT, action)
    row = await repository.client_for_update(uow, client_id)
    if row is None:
        raise NotFound
    if row["archived_at"] is not None:
        raise ClientArchived
    return row


def _require_within_own(
    principal: Principal, roles: Iterable[str], scope: Mapping[str, Any], registry: Registry
) -> None:
    """Refuse one that acts by itself with more than the caller has; without roles it has nothing of its own."""
    held = frozenset(roles)
    if held:
        require_covered(principal, held, registry)
        require_within(principal.scope, scope)


def _secret() -> str:
    return f"woaas_secret_{secrets.token_urlsafe(32)}"


def _usual_grants(uris: list[str], roles: list[str]) -> list[str]:
    signs_in = ["authorization_code", "refresh_token"] if uris else []
    return [*signs_in, *(["client_credentials"] if roles else [])]


def _check(body: NewClient, grant_types: list[str], uris: list[str], roles: list[str]) -> None:
    scopes = _known_scopes(body.scopes)
    if not grant_types:
        raise invalid("/redirect_uris", "required", "Give redirect_uris to sign people in, or roles to act by itself.")
    if "refresh_token" in grant_types and "authorization_code" not in grant_types:
        raise invalid("/grant_types", "invalid", "refresh_token goes with authorization_code.")
    _check_uris(uris, grant_types, is_public=body.type == "public")
    if "client_credentials" not in grant_types:
        if roles:
            raise invalid("/roles", "invalid", "Only what acts by itself has roles: add client_credentials.")
        return
    if body.type == "public":
        raise invalid("/type", "invalid", "What acts by itself is confidential.")
    if not roles:
        raise invalid("/roles", "required", "Name the roles it acts with.")
    if not set(scopes).intersection(API_SCOPES):
        raise invalid("/scopes", "invalid", "Give it something to do: a scope such as work_orders:read.")


def _check_uris(uris: list[str], grant_types: list[str], *, is_public: bool) -> None:
    if bool(uris) != ("authorization_code" in grant_types):
        detail = "Where people are sent back to after they signed in." if not uris else "It signs nobody in."
        raise invalid("/redirect_uris", "required" if not uris else "invalid", detail)
    faults = ((i, fault_of(uri, is_public=is_public)) for i, uri in enumerate(uris))
    errors = tuple(FieldError(f"/redirect_uris/{i}", "invalid", fault) for i, fault in faults if fault)
    if errors:
        raise Invalid(errors[0].detail, errors=errors)


def _known_scopes(asked: list[str]) -> list[str]:
    unknown = [i for i, scope in enumerate(asked) if scope not in SCOPES]
    if unknown or not asked:
        detail = f"Choose from {', '.join(SCOPES)}."
        raise Invalid(detail, errors=tuple(FieldError(f"/scopes/{i}", "invalid", detail) for i in unknown or [0]))
    return [s for s in SCOPES if s in asked]
