"""Exports and their content."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

exports: Table = tenant_table(
    "exports",
    Column("id", Uuid, nullable=False),
    Column("resource", Text, nullable=False),
    Column("format", Text, nullable=False),
    # As it was sent, and as it was understood.
    Column("filter", JSONB, nullable=False),
    Column("query", JSONB, nullable=False),
    Column("fields", JSONB),
    # queued, running, then finished, stopped or failed.
    Column("status", Text, nullable=False),
    # Whose it is, as text, and with what rights he asked.
    Column("requester", Text, nullable=False),
    Column("requested_by", JSONB, nullable=False),
    # Who writes it does so until then, in his how-many-eth try: one that was killed is begun anew.
    instant("leased_until", nullable=True),
    Column("attempt", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rows_expected", BigInteger),
    # The rights it was written under: who has less by now does not get it.
    Column("rights", JSONB),
    Column("sha256", Text),
    Column("size_bytes", BigInteger),
    Column("error", Text),
    instant("created_at"),
    instant("finished_at", nullable=True),
    instant("expires_at", nullable=True),
    tenant_index("exports", "requester", "id"),
)

export_parts: Table = tenant_table(
    "export_parts",
    Column("export_id", Uuid, nullable=False),
    Column("part", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    key=("export_id", "part"),
)
