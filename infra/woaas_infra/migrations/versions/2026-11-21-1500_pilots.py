"""Alerts, which plan held at a moment, and what was made with a tool."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import isolate

revision = "0016_pilots"
down_revision = "0022_sealing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("links", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_time", sa.Interval(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_alerts")),
        info={"tenant": True},
    )
    op.create_index(
        "uq_alerts_standing",
        "alerts",
        ["tenant_id", "kind", "subject"],
        unique=True,
        postgresql_where="state <> 'closed'",
    )
    op.create_index("ix_alerts_created_at", "alerts", ["tenant_id", "created_at"], unique=False)
    op.create_index(
        "ix_operations_tool", "operations", ["tenant_id", "tool"], unique=False, postgresql_where="tool IS NOT NULL"
    )
    op.create_index("ix_schedules_published_at", "schedules", ["tenant_id", "published_at"], unique=False)
    for statement in isolate("alerts", app="SELECT, INSERT, UPDATE"):
        op.execute(statement)


def downgrade() -> None:
    op.drop_index("ix_schedules_published_at", table_name="schedules")
    op.drop_index("ix_operations_tool", table_name="operations")
    op.drop_table("alerts")
