"""Use cases of grants: fields opened for reading, to somebody, for a purpose, until a time.

Nothing has to run for a grant to end: whether it is in force is asked of the clock as the caller enters the tenant.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from woaas_core.errors import Forbidden, NotFound
from woaas_core.ids import encode_id, try_decode_id, uuid7
from woaas_core.wire import invalid, utc
from woaas_security.authz.lines import ANY, GrantLine, OwnPolicy
from woaas_security.permissions import events, repository
from woaas_security.permissions.escalation import Registry
from woaas_security.permissions.inputs import NewGrant
from woaas_security.permissions.resources import ADMINISTRATION, GRANT
from woaas_security.permissions.service import check_field, require_role
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

LONGEST = timedelta(days=366)


async def create(uow: "UnitOfWork", principal: Principal, body: NewGrant, registry: Registry) -> dict[str, Any]:
    """Open fields; effective from the grantee's next request on.

    Raises:
        Forbidden: the caller does not read them himself, or only by a grant.
    """
    principal.require(GRANT, "create")
    for i, field in enumerate(body.fields):
        check_field(registry, body.resource, field, "", pointer=f"/fields/{i}")
    if body.resource in ADMINISTRATION:
        raise invalid("/resource", "invalid", "Give a role for that: who administers permissions is not for a while.")
    now = uow.clock.now()
    expires_at = utc(body.expires_at, "/expires_at")
    assert expires_at is not None
    if not now < expires_at <= now + LONGEST:
        raise invalid("/expires_at", "invalid", "A grant ends in the future and within a year.")
    _require_readable(principal, body, registry)
    await _require_grantee(uow, body.to)
    values: dict[str, Any] = {
        "id": uuid7(),
        "resource": body.resource,
        "fields": sorted(set(body.fields)),
        "grantee": body.to,
        "purpose": body.purpose,
        "expires_at": expires_at,
        "revoked_at": None,
        "granted_by": principal.actor.id,
        "created_at": now,
    }
    await repository.raise_version(uow)
    await repository.insert_grant(uow, values)
    uow.record(
        events.GRANT_CREATED,
        subject=encode_id("grn", values["id"]),
        changes={n: values[n] for n in ("resource", "fields", "purpose", "expires_at")} | {"to": body.to},
    )
    return values


async def get(uow: "UnitOfWork", principal: Principal, grant_id: UUID) -> "Record":
    """A grant, over or not.

    Raises:
        NotFound: missing.
    """
    principal.require(GRANT, "read")
    row = await repository.grant(uow, grant_id)
    if row is None:
        raise NotFound
    return row


async def revoke(uow: "UnitOfWork", principal: Principal, known: "Record") -> "Record":
    """End a grant before its time; over from the next request on, in every process."""
    principal.require(GRANT, "revoke")
    if known["revoked_at"] is not None:
        return known
    await repository.raise_version(uow)
    row = await repository.revoke_grant(uow, known["id"], uow.clock.now())
    assert row is not None
    uow.record(events.GRANT_REVOKED, subject=encode_id("grn", known["id"]), changes={"revoked_at": row["revoked_at"]})
    return row


def in_force(own: OwnPolicy, roles: frozenset[str], caller: str, now: datetime) -> tuple[GrantLine, ...]:
    """The grants that a caller has at this moment, by role or by his own id."""
    return tuple(g for g in own.grants if (g.to == caller or g.to in roles) and g.expires_at > now)


def observer(uow: "UnitOfWork") -> Callable[[GrantLine], None]:
    """What notes that a grant was used: one entry of the log for each in a transaction, with its purpose."""
    noted: set[UUID] = set()

    def observe(grant: GrantLine) -> None:
        if grant.id not in noted:
            noted.add(grant.id)
            uow.observe(
                events.GRANT_OBSERVED,
                subject=encode_id("grn", grant.id),
                changes={"resource": grant.resource, "fields": list(grant.fields), "purpose": grant.purpose},
            )

    return observe


def _require_readable(principal: Principal, body: NewGrant, registry: Registry) -> None:
    if principal.is_owner:
        return
    resource, giver = registry[body.resource], principal.lasting
    access = giver.access(resource)
    for field in body.fields:
        head, _, member = field.partition(".")
        if not (access.is_whole if field.endswith(ANY) else access.reads(head, member)):
            msg = f"You cannot open {field!r}, which you do not read yourself."
            raise Forbidden(msg)
    if giver.guest_roles(resource):
        msg = "Only who sees every row opens fields to others."
        raise Forbidden(msg)


async def _require_grantee(uow: "UnitOfWork", to: str) -> None:
    prefix = to.partition("_")[0]
    if prefix in ("key", "usr") and (subject := try_decode_id(prefix, to)) is not None:
        if not await repository.subject_exists(uow, subject):
            raise invalid("/to", "invalid", f"There is no {to!r} here.")
        return
    if try_decode_id("ctr", to) is None:  # whose fields these are, the market sees to
        await require_role(uow, to, "/to")
