"""The event log, its readers and stored answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, AUDITOR, SEQUENCER, TENANT_FUNCTION, across_tenants, definer_function, isolate

revision = "0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(TENANT_FUNCTION)
    op.create_table(
        "event",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("openings", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_event")),
        info={"tenant": True},
    )
    op.create_index("ix_event_subject_id", "event", ["tenant_id", "subject", "id"], unique=False)
    op.create_index("ix_event_work_order_id_id", "event", ["tenant_id", "work_order_id", "id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "scope", name=op.f("pk_idempotency")),
        info={"tenant": True},
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "log",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "index", name=op.f("pk_log")),
        info={"tenant": True},
    )
    op.create_index("uq_log_event_id", "log", ["tenant_id", "event_id"], unique=True)
    op.create_table(
        "log_head",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("signed_size", sa.BigInteger(), nullable=True),
        sa.Column("signed_root", sa.LargeBinary(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_log_head")),
        info={"tenant": True},
    )
    op.create_table(
        "pending",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_pending")),
        info={"tenant": True},
    )
    op.create_table(
        "reader_cursor",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "reader", name=op.f("pk_reader_cursor")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("event", app="SELECT, INSERT"),
        *isolate("pending", app="INSERT"),
        *isolate("log", app="SELECT"),
        *isolate("log_head", app="SELECT"),
        *isolate("reader_cursor"),
        *isolate("idempotency", app="SELECT, INSERT, DELETE"),
        *across_tenants(SEQUENCER, "event", "SELECT"),
        *across_tenants(SEQUENCER, "pending", "SELECT, DELETE"),
        *across_tenants(SEQUENCER, "log", "SELECT, INSERT"),
        *across_tenants(SEQUENCER, "log_head", "SELECT, INSERT, UPDATE"),
        # The queue is emptied as fast as it fills: without eager vacuum its scans would wade through dead rows.
        "ALTER TABLE pending SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000)",
        APPEND_ONLY,
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE event ENABLE ALWAYS TRIGGER append_only",
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE log ENABLE ALWAYS TRIGGER append_only",
        *across_tenants("woaas_definer", "log_head", "SELECT"),
        *across_tenants("woaas_definer", "reader_cursor", "SELECT"),
        *definer_function("lagging_tenants(reader_name text, max_attempts integer) RETURNS SETOF uuid", LAGGING),
        f"GRANT USAGE ON SCHEMA public TO {APP}, {SEQUENCER}, {AUDITOR}",
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the first migration has nothing to go back to")


APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$
"""

# Tenants whose log is ahead of a reader, oldest need first; one waiting for a retry or stalled is left alone.
LAGGING = """
LANGUAGE sql STABLE AS $$
  SELECT h.tenant_id FROM log_head h
  LEFT JOIN reader_cursor c ON c.tenant_id = h.tenant_id AND c.reader = reader_name
  WHERE h.size > coalesce(c.next_index, 0)
    AND coalesce(c.attempts, 0) < max_attempts AND (c.retry_at IS NULL OR c.retry_at <= clock_timestamp())
  ORDER BY h.updated_at LIMIT 500
$$
"""
