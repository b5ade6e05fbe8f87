"""Tables of a tenant's own policy; ``tenants.policy_version`` rises with each change of one of them."""

from sqlalchemy import Column, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

roles = tenant_table(
    "roles",
    Column("id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("inherits", ARRAY(Text), nullable=False),
    Column("permissions", JSONB, nullable=False),
    instant("archived_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    tenant_index("roles", "code", unique=True),
)

field_policies = tenant_table(
    "field_policies",
    Column("id", Uuid, nullable=False),
    Column("resource", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("role", Text, nullable=False),
    # '*' is every class: a key cannot hold a null.
    Column("data_class", Text, nullable=False),
    Column("access", Text, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    tenant_index("field_policies", "role", "resource", "field", "data_class", unique=True),
)

grants = tenant_table(
    "grants",
    Column("id", Uuid, nullable=False),
    Column("resource", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    # A role's code, or the wire id of a member, a key or a contract.
    Column("grantee", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    instant("expires_at"),
    instant("revoked_at", nullable=True),
    Column("granted_by", Text, nullable=False),
    instant("created_at"),
    tenant_index("grants", "expires_at"),
)
