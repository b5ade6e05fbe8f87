"""Tiles, checkpoints and keys of the verifiable log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, AUDITOR, DEFINER, SEQUENCER, across_tenants, definer_function, isolate

revision = "0004_audit"
down_revision = "0003_work_orders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_export_parts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "part", name=op.f("pk_audit_export_parts")),
        info={"tenant": True},
    )
    op.create_table(
        "audit_exports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requested_by", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=True),
        sa.Column("end_index", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_exports")),
        info={"tenant": True},
    )
    op.create_table(
        "audit_key",
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("public_key", name=op.f("pk_audit_key")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "size", "signed_at", name=op.f("pk_checkpoint")),
        info={"tenant": True},
    )
    op.create_table(
        "sequencer_fence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequencer_fence")),
    )
    op.create_table(
        "tile",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "level", "index", name=op.f("pk_tile")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("tile", app="SELECT"),
        *isolate("checkpoint", app="SELECT"),
        *isolate("audit_exports", app="SELECT, INSERT, UPDATE"),
        *isolate("audit_export_parts", app="SELECT, INSERT, DELETE"),
        *across_tenants(SEQUENCER, "tile", "SELECT, INSERT"),
        *across_tenants(SEQUENCER, "checkpoint", "SELECT, INSERT"),
        f"GRANT SELECT ON audit_key TO {APP}, {AUDITOR}, {SEQUENCER}",
        f"GRANT INSERT ON audit_key TO {SEQUENCER}",
        f"GRANT SELECT, INSERT, UPDATE ON sequencer_fence TO {SEQUENCER}",
        *across_tenants(DEFINER, "pending", "SELECT"),
        *across_tenants(DEFINER, "event", "SELECT"),
        *definer_function("spine_lag() RETURNS TABLE (pending bigint, oldest_s double precision, stalled bigint)", LAG),
        *(
            statement
            for table in ("tile", "checkpoint")
            for statement in (
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "EXECUTE FUNCTION refuse_change()",
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only",
            )
        ),
    ):
        op.execute(statement)


def downgrade() -> None:
    for table in ("audit_export_parts", "audit_exports", "checkpoint", "tile", "audit_key", "sequencer_fence"):
        op.drop_table(table)


# How far the spine is behind, over all tenants: what readiness and metrics report.
LAG = """
LANGUAGE sql STABLE AS $$
  SELECT (SELECT count(*) FROM pending),
    coalesce((SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::double precision
      FROM pending p JOIN event e ON e.tenant_id = p.tenant_id AND e.id = p.event_id ORDER BY p.seq LIMIT 1), 0),
    (SELECT count(*) FROM reader_cursor WHERE attempts >= 5)
$$
"""
