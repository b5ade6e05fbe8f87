"""All SQL about a tenant's own policy."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import bindparam, delete, select, update

from woaas_core.db.statements import Statement, insert_row
from woaas_security.authz.lines import OwnPolicy
from woaas_security.permissions.models import field_policies, grants, roles
from woaas_security.permissions.reading import StoredPolicy

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

_R, _F, _G = roles.c, field_policies.c, grants.c

# One statement and so one snapshot: parts of two versions are never mixed.
_STORED = Statement.text(
    """
    SELECT
      (SELECT coalesce(jsonb_agg(jsonb_build_object('code', code, 'inherits', inherits, 'permissions', permissions,
        'is_archived', archived_at IS NOT NULL)), '[]') FROM roles WHERE tenant_id = $1) AS roles,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('role', role, 'resource', resource, 'field', field,
        'data_class', data_class, 'access', access)), '[]') FROM field_policies WHERE tenant_id = $1) AS field_policies,
      (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'to', grantee, 'resource', resource, 'fields', fields,
        'purpose', purpose, 'expires_at', expires_at)), '[]') FROM grants
        WHERE tenant_id = $1 AND revoked_at IS NULL AND expires_at > $2) AS grants,
      (SELECT coalesce(max(state), '') FROM tenant_deletions WHERE tenant_id = $1 AND state <> 'cancelled') AS closing
    """,
    "tenant_id",
    "now",
)
_BUMP = Statement.text("UPDATE tenants SET policy_version = policy_version + 1 WHERE id = $1", "tenant_id")

_ROLES = Statement(select(roles).where(_R.tenant_id == bindparam("tenant_id")).order_by(_R.code))
_ROLE = Statement(select(roles).where(_R.tenant_id == bindparam("tenant_id"), _R.code == bindparam("key")))
_INSERT_ROLE = insert_row(roles)
_UPDATE_ROLE = Statement(
    update(roles)
    .where(_R.tenant_id == bindparam("tenant_id"), _R.code == bindparam("key"))
    .values({n: bindparam(n) for n in ("name", "inherits", "permissions", "archived_at", "updated_at")})
    .values(version=_R.version + 1)
    .returning(*roles.columns)
)

_POLICY = Statement(select(field_policies).where(_F.tenant_id == bindparam("tenant_id"), _F.id == bindparam("key")))
_KEY = ("role", "resource", "field", "data_class")
_SAME_POLICY = Statement(
    select(field_policies).where(_F.tenant_id == bindparam("tenant_id"), *(_F[n] == bindparam(n) for n in _KEY))
)
_INSERT_POLICY = insert_row(field_policies)
_UPDATE_POLICY = Statement(
    update(field_policies)
    .where(_F.tenant_id == bindparam("tenant_id"), _F.id == bindparam("key"))
    .values(access=bindparam("level"), updated_at=bindparam("now"), version=_F.version + 1)
    .returning(*field_policies.columns)
)
_DELETE_POLICY = Statement(
    delete(field_policies).where(_F.tenant_id == bindparam("tenant_id"), _F.id == bindparam("key"))
)

_GRANT = Statement(select(grants).where(_G.tenant_id == bindparam("tenant_id"), _G.id == bindparam("key")))
_INSERT_GRANT = insert_row(grants)
_REVOKE_GRANT = Statement(
    update(grants)
    .where(_G.tenant_id == bindparam("tenant_id"), _G.id == bindparam("key"))
    .values(revoked_at=bindparam("now"))
    .returning(*grants.columns)
)

_SUBJECT = Statement.text(
    """
    SELECT EXISTS (SELECT 1 FROM users WHERE tenant_id = $1 AND id = $2)
      OR EXISTS (SELECT 1 FROM api_keys WHERE tenant_id = $1 AND id = $2)
    """,
    "tenant_id",
    "subject",
)


async def own_policy(uow: "UnitOfWork") -> OwnPolicy:
    """The tenant's own lines, roles and grants in force, in one round trip."""
    row = await uow.first(_STORED, tenant_id=uow.tenant, now=uow.clock.now())
    assert row is not None
    return msgspec.convert(dict(row), StoredPolicy, strict=False).lines()


async def raise_version(uow: "UnitOfWork") -> None:
    """Let every mask compiled so far be used no more once this commits; changes of policy take turns from here on."""
    await uow.execute(_BUMP, tenant_id=uow.tenant)


async def list_roles(uow: "UnitOfWork") -> "list[Record]":
    """The tenant's own roles by code, archived ones too."""
    return await uow.all(_ROLES, tenant_id=uow.tenant)


async def role(uow: "UnitOfWork", code: str) -> "Record | None":
    """A role of the tenant's own."""
    return await uow.first(_ROLE, tenant_id=uow.tenant, key=code)


async def insert_role(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a role."""
    await uow.execute(_INSERT_ROLE, tenant_id=uow.tenant, **values)


async def update_role(uow: "UnitOfWork", code: str, **values: Any) -> "Record | None":
    """Replace what a role is."""
    return await uow.first(_UPDATE_ROLE, tenant_id=uow.tenant, key=code, updated_at=uow.clock.now(), **values)


async def field_policy(uow: "UnitOfWork", policy_id: UUID) -> "Record | None":
    """A field policy."""
    return await uow.first(_POLICY, tenant_id=uow.tenant, key=policy_id)


async def same_field_policy(uow: "UnitOfWork", values: dict[str, Any]) -> "Record | None":
    """The policy about the same role, field and class."""
    return await uow.first(_SAME_POLICY, tenant_id=uow.tenant, **{n: values[n] for n in _KEY})


async def insert_field_policy(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a field policy."""
    await uow.execute(_INSERT_POLICY, tenant_id=uow.tenant, **values)


async def update_field_policy(uow: "UnitOfWork", policy_id: UUID, access: str) -> "Record | None":
    """Change how far the role gets."""
    return await uow.first(_UPDATE_POLICY, tenant_id=uow.tenant, key=policy_id, level=access, now=uow.clock.now())


async def delete_field_policy(uow: "UnitOfWork", policy_id: UUID) -> None:
    """Take a field policy away."""
    await uow.execute(_DELETE_POLICY, tenant_id=uow.tenant, key=policy_id)


async def grant(uow: "UnitOfWork", grant_id: UUID) -> "Record | None":
    """A grant, over or not."""
    return await uow.first(_GRANT, tenant_id=uow.tenant, key=grant_id)


async def insert_grant(uow: "UnitOfWork", values: dict[str, Any]) -> None:
    """Add a grant."""
    await uow.execute(_INSERT_GRANT, tenant_id=uow.tenant, **values)


async def revoke_grant(uow: "UnitOfWork", grant_id: UUID, now: datetime) -> "Record | None":
    """End a grant."""
    return await uow.first(_REVOKE_GRANT, tenant_id=uow.tenant, key=grant_id, now=now)


async def subject_exists(uow: "UnitOfWork", subject: UUID) -> bool:
    """Whether there is a member or key of that id."""
    return bool(await uow.value(_SUBJECT, tenant_id=uow.tenant, subject=subject))
