"""Exports of a tenant's data and their content."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, Uuid

from woaas_core.db.base import instant, tenant_table

data_exports: Table = tenant_table(
    "data_exports",
    Column("id", Uuid, nullable=False),
    # queued, then finished; its content is kept for a week.
    Column("status", Text, nullable=False),
    Column("requested_by", Uuid, nullable=False),
    Column("rows", BigInteger),
    Column("sha256", Text),
    Column("size_bytes", BigInteger),
    instant("created_at"),
    instant("finished_at", nullable=True),
    instant("expires_at", nullable=True),
)

data_export_parts: Table = tenant_table(
    "data_export_parts",
    Column("export_id", Uuid, nullable=False),
    Column("part", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    key=("export_id", "part"),
)
