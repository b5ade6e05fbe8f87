"""Promises, and whose turn it is among fast questions to the planner."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, DEFINER, across_tenants, definer_function, isolate

revision = "0009_promises"
down_revision = "0010_planning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "promises",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("work_order", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("impacted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("places", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quote", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("hold_for", sa.Interval(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_promises")),
        info={"tenant": True},
    )
    op.create_index("ix_promises_state", "promises", ["tenant_id", "state"], unique=False)
    op.create_index("ix_promises_run_id", "promises", ["tenant_id", "run_id"], unique=False)
    op.create_index("ix_promises_work_order_id", "promises", ["tenant_id", "work_order_id"], unique=False)
    op.create_index(
        "ix_promises_expiring",
        "promises",
        ["tenant_id", "expires_at"],
        unique=False,
        postgresql_where="state = 'reserved'",
    )
    op.add_column("work_orders", sa.Column("promise_id", sa.Uuid(), nullable=True))
    for statement in (
        # A question that was accepted first is answered under the same Idempotency-Key.
        f"GRANT UPDATE (status, headers, body) ON idempotency TO {APP}",
        *isolate("promises", app="SELECT, INSERT, UPDATE"),
        *across_tenants(DEFINER, "promises", "SELECT"),
        *definer_function("tenants_with_expired_promises(present timestamptz) RETURNS SETOF uuid", TO_EXPIRE),
        *definer_function("claimable_inquiries(most integer) RETURNS TABLE (tenant_id uuid, run_id uuid)", CLAIMABLE),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION claimable_inquiries(integer)")
    op.execute("DROP FUNCTION tenants_with_expired_promises(timestamptz)")
    op.execute("SET LOCAL ROLE woaas_owner")
    op.execute(f"REVOKE UPDATE (status, headers, body) ON idempotency FROM {APP}")
    op.drop_column("work_orders", "promise_id")
    op.drop_table("promises")


TO_EXPIRE = """
LANGUAGE sql STABLE AS $$
  SELECT p.tenant_id FROM promises p WHERE p.state = 'reserved' AND p.expires_at <= present
  GROUP BY p.tenant_id ORDER BY min(p.expires_at)
$$
"""

# Fast questions that wait, and those whose solver let its lease run out; the tenant with the fewest being answered
# comes first.
CLAIMABLE = """
LANGUAGE sql STABLE AS $$
  WITH busy AS (
    SELECT b.tenant_id, count(*) AS n FROM schedule_runs b
    WHERE b.kind = 'inquiry' AND b.status = 'solving' AND b.lease_until >= clock_timestamp() GROUP BY 1)
  SELECT r.tenant_id, r.id FROM schedule_runs r LEFT JOIN busy ON busy.tenant_id = r.tenant_id
  WHERE r.kind = 'inquiry' AND (r.status = 'queued'
    OR (r.status = 'solving' AND r.lease_until < clock_timestamp()))
  ORDER BY coalesce(busy.n, 0), r.id LIMIT most
$$
"""
