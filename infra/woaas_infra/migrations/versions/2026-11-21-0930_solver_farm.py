"""Schedule runs, schedules, slots and requests to replan."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import across_tenants, definer_function, isolate

revision = "0005_solver_farm"
down_revision = "0004_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replan_requests",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("causes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_replan_requests")),
        info={"tenant": True},
    )
    op.create_index("ix_replan_requests_run_id", "replan_requests", ["tenant_id", "run_id"], unique=False)
    op.create_index(
        "uq_replan_requests_open", "replan_requests", ["tenant_id"], unique=True, postgresql_where="run_id IS NULL"
    )
    op.create_table(
        "schedule_runs",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("snapshot_hash", sa.LargeBinary(), nullable=False),
        sa.Column("params_hash", sa.LargeBinary(), nullable=False),
        sa.Column("problem", sa.LargeBinary(), nullable=True),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("best", sa.LargeBinary(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("time_limit", sa.Interval(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("stop_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("objective", sa.Double(), nullable=True),
        sa.Column("bound", sa.Double(), nullable=True),
        sa.Column("gap", sa.Double(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("incumbents", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("schedule_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_schedule_runs")),
        info={"tenant": True},
    )
    op.create_index(
        "ix_schedule_runs_kind_created_at", "schedule_runs", ["tenant_id", "kind", "created_at"], unique=False
    )
    op.create_index(
        "ix_schedule_runs_queue",
        "schedule_runs",
        ["tenant_id", "status", "id"],
        unique=False,
        postgresql_where="status IN ('queued', 'solving', 'feasible')",
    )
    op.create_index(
        "uq_schedule_runs_active",
        "schedule_runs",
        ["tenant_id", "kind", "snapshot_hash", "params_hash"],
        unique=True,
        postgresql_where="status IN ('queued', 'solving', 'feasible')",
    )
    op.create_table(
        "schedules",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("objective", sa.Double(), nullable=True),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("overflow", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen", sa.Interval(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["schedule_runs.tenant_id", "schedule_runs.id"],
            name=op.f("fk_schedules_tenant_id_run_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_schedules")),
        info={"tenant": True},
    )
    op.create_index("ix_schedules_run_id", "schedules", ["tenant_id", "run_id"], unique=False)
    op.create_index("ix_schedules_state", "schedules", ["tenant_id", "state"], unique=False)
    op.create_index(
        "uq_schedules_published", "schedules", ["tenant_id"], unique=True, postgresql_where="state = 'published'"
    )
    op.create_table(
        "slots",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("work_center", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("setup_start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outsourced", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "schedule_id"],
            ["schedules.tenant_id", "schedules.id"],
            name=op.f("fk_slots_tenant_id_schedule_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_slots")),
        info={"tenant": True},
    )
    op.create_index("ix_slots_schedule_id_start_at", "slots", ["tenant_id", "schedule_id", "start_at"], unique=False)
    op.create_index(
        "uq_slots_schedule_id_operation_id", "slots", ["tenant_id", "schedule_id", "operation_id"], unique=True
    )
    for statement in (
        *isolate("schedule_runs"),
        *isolate("schedules", app="SELECT, INSERT, UPDATE"),
        *isolate("slots", app="SELECT, INSERT, UPDATE"),
        *isolate("replan_requests", app="SELECT, INSERT, UPDATE"),
        *across_tenants("woaas_definer", "schedule_runs", "SELECT"),
        *definer_function("claimable_runs(most integer) RETURNS TABLE (tenant_id uuid, run_id uuid)", CLAIMABLE),
        NO_OVERLAP,
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL ROLE woaas_definer")
    op.execute("DROP FUNCTION claimable_runs(integer)")
    op.execute("SET LOCAL ROLE woaas_owner")
    for table in ("replan_requests", "slots", "schedules", "schedule_runs"):
        op.drop_table(table)


# Runs to claim: due ones in the queue and those whose worker has let its lease run out. The tenant with the fewest
# running comes first, so that one with a hundred runs does not keep the others waiting.
CLAIMABLE = """
LANGUAGE sql STABLE AS $$
  WITH busy AS (
    SELECT b.tenant_id, count(*) AS n FROM schedule_runs b
    WHERE b.status IN ('solving', 'feasible') AND b.lease_until >= clock_timestamp() GROUP BY 1)
  SELECT r.tenant_id, r.id FROM schedule_runs r LEFT JOIN busy ON busy.tenant_id = r.tenant_id
  WHERE (r.status = 'queued' AND r.not_before <= clock_timestamp())
     OR (r.status IN ('solving', 'feasible') AND r.lease_until < clock_timestamp())
  ORDER BY coalesce(busy.n, 0), r.priority, r.id LIMIT most
$$
"""

# btree_gist is a trusted extension of every Postgres with its contrib modules, so the owner of the tables may create
# it; where the modules are not installed the checker stays the only guard against overlaps.
NO_OVERLAP = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'btree_gist') THEN
    CREATE EXTENSION IF NOT EXISTS btree_gist;
    ALTER TABLE slots ADD CONSTRAINT ex_slots_overlap EXCLUDE USING gist (
      tenant_id WITH =, schedule_id WITH =, work_center WITH =, tstzrange(setup_start_at, end_at) WITH &&)
      WHERE (work_center IS NOT NULL AND NOT given);
  END IF;
END $$
"""
