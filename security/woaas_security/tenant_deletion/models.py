"""Deletions of tenants: the one row that stays of a tenant that is gone, with its certificate."""

from sqlalchemy import Column, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_table

tenant_deletions: Table = tenant_table(
    "tenant_deletions",
    Column("id", Uuid, nullable=False),
    # closing until delete_at, or cancelled; destroying, certified once nothing is left, finished once that is told.
    Column("state", Text, nullable=False),
    # Null for a sandbox, which goes with its tenant.
    Column("requested_by", Uuid),
    instant("requested_at"),
    instant("delete_at"),
    instant("cancelled_at", nullable=True),
    instant("started_at", nullable=True),
    # The last event of the log: nothing is destroyed before a signed checkpoint covers it.
    Column("last_event_id", Uuid),
    # Where the certificate goes when no user is left; null again once it is out.
    Column("recipient", JSONB),
    # How many rows of each table are destroyed, and since when no more were found.
    Column("destroyed", JSONB, nullable=False),
    instant("destroyed_at", nullable=True),
    Column("certificate", LargeBinary),
    instant("finished_at", nullable=True),
    Index(
        "uq_tenant_deletions_open",
        "tenant_id",
        unique=True,
        postgresql_where="state <> 'cancelled'",
    ),
)
