"""Versions of policies and scenarios, what plans are compared by, pins' causes, and who sets machines up."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import isolate

revision = "0010_planning"
down_revision = "0014_scopes"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "master_data_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "record_id"],
            ["master_data.tenant_id", "master_data.id"],
            name=op.f("fk_master_data_versions_tenant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "record_id", "version", name=op.f("pk_master_data_versions")),
        info={"tenant": True},
    )
    op.create_table(
        "schedule_orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fifo_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edd_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "schedule_id"],
            ["schedules.tenant_id", "schedules.id"],
            name=op.f("fk_schedule_orders_tenant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "schedule_id", "work_order_id", name=op.f("pk_schedule_orders")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("master_data_versions", app="SELECT, INSERT"),
        *isolate("schedule_orders", app="SELECT, INSERT"),
    ):
        op.execute(statement)
    op.add_column("schedules", sa.Column("policy_version", sa.Integer(), nullable=True))
    op.add_column("schedules", sa.Column("scenario", sa.Text(), nullable=True))
    op.add_column("schedules", sa.Column("utilisation", sa.Double(), nullable=True))
    op.add_column("schedules", sa.Column("baselines", JSONB, nullable=False, server_default="{}"))
    op.create_check_constraint("scenario_binds_nobody", "schedules", "scenario IS NULL OR state = 'scenario'")
    op.add_column("slots", sa.Column("cause_operation_id", sa.Uuid(), nullable=True))
    op.add_column("operations", sa.Column("setup_skills", postgresql.ARRAY(sa.Text()), nullable=True))
    op.create_index(
        "ix_operations_setup",
        "operations",
        ["tenant_id", "work_center", "started_at"],
        unique=False,
        postgresql_where="setup_group IS NOT NULL AND started_at IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_operations_setup", "operations")
    op.drop_column("operations", "setup_skills")
    op.drop_column("slots", "cause_operation_id")
    op.drop_constraint("ck_schedules_scenario_binds_nobody", "schedules", type_="check")
    for column in ("baselines", "utilisation", "scenario", "policy_version"):
        op.drop_column("schedules", column)
    op.drop_table("schedule_orders")
    op.drop_table("master_data_versions")
