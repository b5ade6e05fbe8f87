"""Roles, field policies and grants: what a tenant itself says of permissions."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.explanation import MEMBER, Watched
from woaas_api.rest.schemas.work_orders import View
from woaas_api.subjects import REGISTRY
from woaas_capacity_market import openings
from woaas_core.errors import NotFound, StaleETag
from woaas_core.ids import decode_id
from woaas_core.wire import check_code
from woaas_security.authz.explanation import explain
from woaas_security.permissions import grants, repository, service
from woaas_security.permissions.inputs import FieldPolicyBody, NewGrant, RoleBody
from woaas_security.permissions.resources import FIELD_POLICY, GRANT, ROLE

TAG = "Security"


class RoleView(Struct, kw_only=True):
    """A role; built-in ones have no id and list their policy lines as permissions."""

    id: str | None
    livemode: bool
    masked_fields: list[str] | UnsetType = UNSET
    code: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    is_built_in: bool
    inherits: list[str] | UnsetType = UNSET
    permissions: list[dict[str, Any]] | UnsetType = UNSET
    archived_at: datetime | None | UnsetType = UNSET
    version: int | None | UnsetType = UNSET
    created_at: datetime | None | UnsetType = UNSET
    updated_at: datetime | None | UnsetType = UNSET


class FieldPolicyView(View, kw_only=True):
    """How far a role gets with a field."""

    resource: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    access: str | UnsetType = UNSET
    data_class: str | None | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET


class GrantView(View, kw_only=True):
    """Fields opened for a purpose and a time."""

    resource: str | UnsetType = UNSET
    fields: list[str] | UnsetType = UNSET
    to: str | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    expires_at: datetime | UnsetType = UNSET
    revoked_at: datetime | None | UnsetType = UNSET
    granted_by: str | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET


def _show_role(call: Call, row: Any) -> dict[str, Any]:
    shown = call.principal.show(call.principal.access(ROLE), row)
    return {**shown, "is_built_in": row["code"] in service.BUILT_IN_ROLES}


def _show(call: Call, resource: Any, row: Any) -> dict[str, Any]:
    return call.principal.show(call.principal.access(resource), row)


@route("GET", "/roles", tag=TAG, paging=())
async def list_roles(call: Call) -> Answer[Listed[RoleView]]:
    """List roles: the nine built-in ones, then your own."""
    found = await service.list_roles(call.uow, call.principal, call.edge.built_in)
    return Answer({"data": [_show_role(call, row) for row in found], "next_cursor": None})


@route("GET", "/roles/{code}", tag=TAG)
async def get_role(call: Call, code: str) -> Answer[RoleView]:
    """Read a role by code; with `explain=permissions` also all it has, and which lines hide the rest."""
    shown = _show_role(call, await service.get_role(call.uow, call.principal, call.edge.built_in, code))
    if call.principal.access(FIELD_POLICY).sees_anything and isinstance(call.principal, Watched):
        policy, roles = call.principal.policy, frozenset({code})
        held = {name: policy.access(roles, resource) for name, resource in REGISTRY.items()}
        shown[MEMBER] = {name: explain(access, policy, roles, names_lines=True) for name, access in held.items()}
    return Answer(shown)


@route("PUT", "/roles/{code}", tag=TAG)
async def put_role(call: Call, code: str, body: RoleBody) -> Answer[RoleView]:
    """Create or replace a role of your own.

    It has all that the built-in roles it inherits have, and its permissions. Nobody makes a role that has more than
    himself. In force from the next request on.
    """
    check_code(code)
    call.principal.require(ROLE, "create")
    known = await repository.role(call.uow, code)
    if known is not None and call.request.headers.get("if-none-match") == "*":
        raise StaleETag
    call.require_match(None if known is None else lambda: _show_role(call, known))
    row, is_new = await service.put_role(call.uow, call.principal, code, body, known, REGISTRY)
    location = f"/v1/roles/{code}" if is_new else None
    return Answer(_show_role(call, row), 201 if is_new else 200, location)


@route("POST", "/roles/{code}/archive", tag=TAG)
async def archive_role(call: Call, code: str) -> Answer[RoleView]:
    """Retire a role of your own: who has it gets nothing from it any more; what it forbids stays forbidden."""
    call.principal.require(ROLE, "archive")
    known = await repository.role(call.uow, code)
    if known is None:
        raise NotFound
    call.require_match(lambda: _show_role(call, known))
    return Answer(_show_role(call, await service.archive_role(call.uow, call.principal, known, REGISTRY)))


@route("GET", "/field-policies", tag=TAG)
async def list_field_policies(call: Call) -> Answer[Listed[FieldPolicyView]]:
    """List field policies, newest first."""
    return await call.page(FIELD_POLICY)


async def _put_policy(call: Call, body: FieldPolicyBody) -> Answer[FieldPolicyView]:
    row, is_new = await service.put_field_policy(call.uow, call.principal, body, REGISTRY)
    shown = _show(call, FIELD_POLICY, row)
    return Answer(shown, 201 if is_new else 200, f"/v1/field-policies/{shown['id']}")


@route("POST", "/field-policies", tag=TAG, status=201)
async def create_field_policy(call: Call, body: FieldPolicyBody) -> Answer[FieldPolicyView]:
    """Set how far a role gets with a field: none, masked, read or write.

    It is the last word on that field for who has the role: where roles of one caller differ, the narrower wins. The
    same role, field and class again replaces it (200). In force from the next request on.
    """
    return await _put_policy(call, body)


@route("PUT", "/field-policies", tag=TAG)
async def put_field_policy(call: Call, body: FieldPolicyBody) -> Answer[FieldPolicyView]:
    """Set how far a role gets with a field, as POST does."""
    return await _put_policy(call, body)


@route("GET", "/field-policies/{key}", tag=TAG)
async def get_field_policy(call: Call, key: str) -> Answer[FieldPolicyView]:
    """Read a field policy."""
    return Answer(_show(call, FIELD_POLICY, await service.get_field_policy(call.uow, call.principal, _policy_id(key))))


@route("DELETE", "/field-policies/{key}", tag=TAG, status=204)
async def delete_field_policy(call: Call, key: str) -> Answer[None]:
    """Take a field policy away: the role has again what it had before."""
    known = await service.get_field_policy(call.uow, call.principal, _policy_id(key))
    call.require_match(lambda: _show(call, FIELD_POLICY, known))
    await service.delete_field_policy(call.uow, call.principal, known, REGISTRY)
    return Answer(None, 204)


@route("GET", "/grants", tag=TAG)
async def list_grants(call: Call) -> Answer[Listed[GrantView]]:
    """List grants, newest first, those that are over too."""
    return await call.page(GRANT)


@route("POST", "/grants", tag=TAG, status=201)
async def create_grant(call: Call, body: NewGrant) -> Answer[GrantView]:
    """Open fields for reading to a role, a member, a key or a contract's partner, for a purpose and until a time.

    It goes before every policy that hides them, begins with the next request and ends by itself. Each use is an entry
    of the log that names the purpose.
    """
    create = openings.open_to_partner if body.to.startswith("ctr_") else grants.create
    shown = _show(call, GRANT, await create(call.uow, call.principal, body, REGISTRY))
    return Answer(shown, 201, f"/v1/grants/{shown['id']}")


@route("GET", "/grants/{key}", tag=TAG)
async def get_grant(call: Call, key: str) -> Answer[GrantView]:
    """Read a grant."""
    return Answer(_show(call, GRANT, await grants.get(call.uow, call.principal, decode_id("grn", key))))


@route("POST", "/grants/{key}/revoke", tag=TAG)
async def revoke_grant(call: Call, key: str) -> Answer[GrantView]:
    """End a grant before its time; over from the next request on."""
    known = await grants.get(call.uow, call.principal, decode_id("grn", key))
    call.require_match(lambda: _show(call, GRANT, known))
    row = await grants.revoke(call.uow, call.principal, known)
    await openings.close(call.uow, known)
    return Answer(_show(call, GRANT, row))


def _policy_id(key: str) -> Any:
    return decode_id("fpo", key)


ROUTES = (
    *(list_roles, get_role, put_role, archive_role),
    *(list_field_policies, create_field_policy, put_field_policy, get_field_policy, delete_field_policy),
    *(list_grants, create_grant, get_grant, revoke_grant),
)
