"""The table of master data: one row per thing of the plant, its people or its materials."""

from sqlalchemy import Column, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

# The kinds differ only in their members, which a struct per kind checks; what orders and plans need of them is the
# code. So they share a table, a repository and a door instead of having twelve of each.
master_data = tenant_table(
    "master_data",
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    instant("archived_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    tenant_index("master_data", "kind", "code", unique=True),
)
