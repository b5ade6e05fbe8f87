"""How roles, field policies and grants are shown."""

from typing import Any

from woaas_security.authz.lines import ANY
from woaas_security.authz.resource import Field, Resource, members_of
from woaas_security.permissions.inputs import FieldPolicyBody, NewGrant, RoleBody
from woaas_security.permissions.models import field_policies, grants, roles


def _named_class(value: Any) -> str | None:
    return None if value == ANY else value


ROLE = Resource(
    "role",
    "rol",
    roles,
    (
        Field("id", "id", prefix="rol"),
        Field("code", filterable=True, searched=True),
        Field("name", filterable=True, searched=True),
        Field("inherits", "texts", filterable=True),
        Field("permissions", "json"),
        Field("archived_at", "instant", filterable=True),
        Field("version", "integer", tells_of_all=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
    ),
    actions=frozenset({"create", "archive"}),
    writes=members_of(RoleBody),
)

FIELD_POLICY = Resource(
    "field_policy",
    "fpo",
    field_policies,
    (
        Field("id", "id", prefix="fpo"),
        Field("resource", filterable=True),
        Field("field", filterable=True, searched=True),
        Field("role", filterable=True),
        Field("data_class", filterable=True, render=_named_class),
        Field("access", filterable=True),
        Field("version", "integer", tells_of_all=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
    ),
    actions=frozenset({"create", "delete"}),
    writes=members_of(FieldPolicyBody),
)

GRANT = Resource(
    "grant",
    "grn",
    grants,
    (
        Field("id", "id", prefix="grn"),
        Field("resource", filterable=True),
        Field("fields", "texts", filterable=True),
        Field("to", column="grantee", filterable=True),
        Field("purpose", searched=True),
        Field("expires_at", "instant", filterable=True),
        Field("revoked_at", "instant", filterable=True),
        Field("granted_by", filterable=True),
        Field("created_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "revoke"}),
    writes=members_of(NewGrant),
)

ADMINISTRATION = frozenset({"role", "field_policy", "grant", "member", "api_key", "oauth_client"})
"""Where no policy takes anything away: nobody can be locked out of the policies themselves."""
