"""The table of master data: one row per thing of the plant, its people or its materials."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, Text, Uuid, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table, trigram_index

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
    trigram_index("master_data", "code", literal_column("(body ->> 'name')", Text).label("name"), led_by=("kind",)),
)

# What a record said at each of its versions, for kinds that results are traced back to.
master_data_versions = tenant_table(
    "master_data_versions",
    Column("record_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSONB, nullable=False),
    instant("created_at"),
    ForeignKeyConstraint(["tenant_id", "record_id"], ["master_data.tenant_id", "master_data.id"]),
    key=("record_id", "version"),
)
