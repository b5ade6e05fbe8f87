"""Use cases of a tenant's own policy: roles and field policies.

Each change raises the tenant's policy version in its own transaction, under the lock of the tenant's row. The next
request of every process reads the version as it enters the tenant, so no mask outlives the policy it was made from.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from woaas_core.errors import Conflict, NotFound
from woaas_core.ids import encode_id, uuid7
from woaas_core.wire import invalid
from woaas_security.audit.changes import changes_of
from woaas_security.authz.lines import ANY, GUEST_ROLES, OWNER_ROLE, SYSTEM_ROLE, BuiltIn
from woaas_security.permissions import events, repository
from woaas_security.permissions.escalation import Registry, require_no_gain
from woaas_security.permissions.inputs import FieldPolicyBody, Permission, RoleBody
from woaas_security.permissions.resources import ADMINISTRATION, FIELD_POLICY, ROLE
from woaas_security.principal import Principal

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

BUILT_IN_ROLES = (
    *("owner", "planner", "supervisor", "operator", "quality"),
    *("partner", "customer", "auditor", "developer"),
)
_MOST_ROLES = 100


async def list_roles(uow: "UnitOfWork", principal: Principal, built_in: BuiltIn) -> "list[Record | Mapping[str, Any]]":
    """The nine built-in roles, then the tenant's own by code."""
    principal.require(ROLE, "read")
    return [*(built_in_role(built_in, code) for code in BUILT_IN_ROLES), *await repository.list_roles(uow)]


async def get_role(
    uow: "UnitOfWork", principal: Principal, built_in: BuiltIn, code: str
) -> "Record | Mapping[str, Any]":
    """A role by code.

    Raises:
        NotFound: neither built-in nor the tenant's own.
    """
    principal.require(ROLE, "read")
    if code in BUILT_IN_ROLES:
        return built_in_role(built_in, code)
    row = await repository.role(uow, code)
    if row is None:
        raise NotFound
    return row


def built_in_role(built_in: BuiltIn, code: str) -> dict[str, Any]:
    """A built-in role in the form of the tenant's own; it has no id and no history here."""
    lines = [x for x in built_in.lines if x.role == code]
    names = ("id", "archived_at", "version", "created_at", "updated_at")
    return {
        **dict.fromkeys(names),
        "code": code,
        "name": code.capitalize(),
        "inherits": [],
        "permissions": [
            {"resource": x.resource, "field": x.field, "action": x.action, "effect": x.effect} for x in lines
        ],
    }


async def put_role(
    uow: "UnitOfWork", principal: Principal, code: str, body: RoleBody, known: "Record | None", registry: Registry
) -> tuple["Record | Mapping[str, Any]", bool]:
    """Create or replace a role of the tenant's own; returns it and whether it is new.

    Raises:
        Forbidden: it would have rights that the caller has not.
    """
    principal.require(ROLE, "create")
    if code in (*BUILT_IN_ROLES, SYSTEM_ROLE):
        msg = f"{code!r} is a built-in role; choose another code, or narrow it with /v1/field-policies."
        raise Conflict(msg)
    if body.code not in (UNSET, code):
        raise invalid("/code", "invalid", "The code in the body is not the one in the path.")
    values = {
        "name": body.name,
        "inherits": sorted(set(body.inherits)),
        "permissions": [_checked(one, f"/permissions/{i}", registry) for i, one in enumerate(body.permissions)],
        "archived_at": None,
    }
    unknown = sorted(set(body.inherits) - set(BUILT_IN_ROLES))
    if unknown:
        raise invalid("/inherits", "invalid", f"Inherit from built-in roles: {', '.join(BUILT_IN_ROLES)}.")
    if len(set(body.inherits) & GUEST_ROLES) not in (0, len(set(body.inherits))):
        raise invalid("/inherits", "invalid", "A role of guests (partner, customer) inherits from guests only.")
    if known is not None and all(known[n] == v for n, v in values.items()):
        return known, False
    row: Record | Mapping[str, Any] | None
    async with _changing(uow, principal, code, registry):
        now = uow.clock.now()
        if known is None:
            if len(await repository.list_roles(uow)) >= _MOST_ROLES:
                msg = f"A tenant has at most {_MOST_ROLES} roles of its own."
                raise Conflict(msg)
            row = {"id": uuid7(), "code": code, **values, "version": 1, "created_at": now, "updated_at": now}
            await repository.insert_role(uow, row)
        else:
            row = await repository.update_role(uow, code, **values)
    assert row is not None
    uow.record(
        events.ROLE_CHANGED,
        subject=encode_id("rol", row["id"]),
        version=(known["version"] if known else None, row["version"]),
        changes=changes_of(ROLE, known, row),
    )
    return row, known is None


async def archive_role(uow: "UnitOfWork", principal: Principal, known: "Record", registry: Registry) -> "Record":
    """Retire a role: who has it gets nothing from it from the next request on; what it forbids stays forbidden."""
    principal.require(ROLE, "archive")
    if known["archived_at"] is not None:
        return known
    async with _changing(uow, principal, known["code"], registry):
        row = await repository.update_role(
            uow,
            known["code"],
            **{n: known[n] for n in ("name", "inherits", "permissions")},
            archived_at=uow.clock.now(),
        )
    assert row is not None
    uow.record(
        events.ROLE_ARCHIVED,
        subject=encode_id("rol", row["id"]),
        version=(known["version"], row["version"]),
        changes={"archived_at": row["archived_at"]},
    )
    return row


async def put_field_policy(
    uow: "UnitOfWork", principal: Principal, body: FieldPolicyBody, registry: Registry
) -> tuple["Record | Mapping[str, Any]", bool]:
    """Set how far a role gets with a field; returns the policy and whether it is new.

    Raises:
        Forbidden: it opens more to the role than the caller has.
    """
    principal.require(FIELD_POLICY, "create")
    check_field(registry, body.resource, body.field, "")
    await require_role(uow, body.role, "/role")
    if body.role == OWNER_ROLE:
        raise invalid("/role", "invalid", "The owner sees everything; give another role to whom this is not to hold.")
    _check_takes_nothing_of_administration(body.resource, body.access, "/access")
    _check_class(registry, body.resource, body.data_class, "/data_class")
    values: dict[str, Any] = {
        "resource": body.resource,
        "field": body.field,
        "role": body.role,
        "data_class": body.data_class or ANY,
    }
    row: Record | Mapping[str, Any] | None
    async with _changing(uow, principal, body.role, registry):
        known = await repository.same_field_policy(uow, values)
        now = uow.clock.now()
        if known is None:
            row = {"id": uuid7(), **values, "access": body.access, "version": 1, "created_at": now, "updated_at": now}
            await repository.insert_field_policy(uow, row)
        elif known["access"] == body.access:
            return known, False
        else:
            row = await repository.update_field_policy(uow, known["id"], body.access)
    assert row is not None
    uow.record(
        events.FIELD_POLICY_CHANGED,
        subject=encode_id("fpo", row["id"]),
        version=(known["version"] if known else None, row["version"]),
        changes=changes_of(FIELD_POLICY, known, row),
    )
    return row, known is None


async def get_field_policy(uow: "UnitOfWork", principal: Principal, policy_id: UUID) -> "Record":
    """A field policy.

    Raises:
        NotFound: missing.
    """
    principal.require(FIELD_POLICY, "read")
    row = await repository.field_policy(uow, policy_id)
    if row is None:
        raise NotFound
    return row


async def delete_field_policy(uow: "UnitOfWork", principal: Principal, known: "Record", registry: Registry) -> None:
    """Take a policy away: the role has again what its own lines give.

    Raises:
        Forbidden: by that it gets more than the caller has.
    """
    principal.require(FIELD_POLICY, "delete")
    async with _changing(uow, principal, known["role"], registry):
        await repository.delete_field_policy(uow, known["id"])
    uow.record(
        events.FIELD_POLICY_DELETED,
        subject=encode_id("fpo", known["id"]),
        version=(known["version"], None),
        changes={n: known[n] for n in ("resource", "field", "role", "data_class", "access")},
    )


async def require_role(uow: "UnitOfWork", code: str, pointer: str) -> frozenset[str]:
    """The built-in roles that a role is made of.

    Raises:
        Invalid: there is no role of that name in use.
    """
    if code in BUILT_IN_ROLES:
        return frozenset({code})
    row = await repository.role(uow, code)
    if row is None or row["archived_at"] is not None:
        raise invalid(pointer, "invalid", f"There is no role {code!r}; GET /v1/roles lists them.")
    return frozenset(row["inherits"])


def check_field(registry: Registry, resource: str, field: str, at: str, *, pointer: str = "/field") -> None:
    """Refuse a resource or field that there is none of.

    Raises:
        Invalid: see above; only open fields have members, and what begins a name ends with one ``*``.
    """
    kind = registry.get(resource)
    if kind is None:
        raise invalid(f"{at}/resource", "invalid", f"Choose from {', '.join(sorted(registry))}.")
    head, _, member = field.partition(".")
    is_known = field == ANY or (bool(member) and head in kind.open_fields and not member.endswith(ANY))
    if field != ANY and field.endswith(ANY):
        is_known = ANY not in field[:-1] and any(n.startswith(field[:-1]) for n in kind.names)
    if field == "id" or not (is_known or field in kind.names):
        raise invalid(f"{at}{pointer}", "invalid", f"A {resource} has no field {field!r} that policies decide on.")


@asynccontextmanager
async def _changing(uow: "UnitOfWork", principal: Principal, role: str, registry: Registry) -> AsyncIterator[None]:
    """A change of policy: counted, taken in turns, and measured by what it gives."""
    await repository.raise_version(uow)
    before = principal.policy.with_own(await repository.own_policy(uow))
    yield
    after = principal.policy.with_own(await repository.own_policy(uow))
    require_no_gain(principal, before, after, role, registry)


def _checked(one: Permission, at: str, registry: Registry) -> Mapping[str, Any]:
    check_field(registry, one.resource, one.field, at)
    actions: Sequence[str] = () if isinstance(one.actions, UnsetType) else one.actions
    unknown = sorted(set(actions) - registry[one.resource].actions)
    if unknown:
        known = ", ".join(sorted(registry[one.resource].actions)) or "none"
        raise invalid(f"{at}/actions", "invalid", f"The actions on a {one.resource} are: {known}.")
    if not actions and one.access is UNSET:
        raise invalid(at, "required", "Give 'access', 'actions' or both.")
    if not isinstance(one.access, UnsetType):
        _check_takes_nothing_of_administration(one.resource, one.access, f"{at}/access", also=("read", "write"))
    _check_class(registry, one.resource, one.data_class, f"{at}/data_class")
    plain: dict[str, Any] = msgspec.to_builtins(one)
    return plain


def _check_takes_nothing_of_administration(
    resource: str, access: str, pointer: str, *, also: Sequence[str] = ("write",)
) -> None:
    if resource in ADMINISTRATION and access not in also:
        detail = f"Policies take nothing away from {', '.join(sorted(ADMINISTRATION))}: nobody is to be locked out."
        raise invalid(pointer, "invalid", detail)


def _check_class(registry: Registry, resource: str, data_class: str | None, pointer: str) -> None:
    if data_class is not None and registry[resource].data_class is None:
        having = ", ".join(sorted(name for name, r in registry.items() if r.data_class is not None))
        raise invalid(pointer, "invalid", f"Only these have a data class: {having}.")
