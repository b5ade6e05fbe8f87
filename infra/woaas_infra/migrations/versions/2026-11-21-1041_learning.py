"""Duration models, proposals and forecasts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0011_learning"
down_revision = "0012_farm"
branch_labels = None
depends_on = None

TABLES = ("duration_models", "duration_estimates", "proposals", "proposal_changes", "forecasts", "forecast_buckets")


def upgrade() -> None:
    _models()
    _proposals()
    _forecasts()
    op.create_index("ix_work_orders_product", "work_orders", ["tenant_id", "product"], unique=False)
    op.add_column("schedule_runs", sa.Column("durations", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("schedules", sa.Column("duration_model_version", sa.Integer(), nullable=True))
    op.add_column("slots", sa.Column("duration_samples", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("slots", sa.Column("duration_model_version", sa.Integer(), nullable=True))
    for statement in (
        *isolate("duration_models", app="SELECT, INSERT, UPDATE"),
        *isolate("duration_estimates"),
        *isolate("proposals", app="SELECT, INSERT, UPDATE"),
        *isolate("proposal_changes", app="SELECT, INSERT"),
        *isolate("forecasts", app="SELECT, INSERT, UPDATE"),
        *isolate("forecast_buckets", app="SELECT, INSERT, UPDATE"),
        *across_tenants(DEFINER, "duration_models", "SELECT"),
        *across_tenants(DEFINER, "forecasts", "SELECT"),
        *definer_function("tenants_with_queued_models(present timestamptz) RETURNS SETOF uuid", QUEUED_MODELS),
        *definer_function("tenants_with_queued_forecasts(present timestamptz) RETURNS SETOF uuid", QUEUED_FORECASTS),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION tenants_with_queued_models(timestamptz)")
    op.execute("DROP FUNCTION tenants_with_queued_forecasts(timestamptz)")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    op.drop_column("slots", "duration_model_version")
    op.drop_column("slots", "duration_samples")
    op.drop_column("schedules", "duration_model_version")
    op.drop_column("schedule_runs", "durations")
    op.drop_index("ix_work_orders_product", table_name="work_orders")
    for table in reversed(TABLES):
        op.drop_table(table)


QUEUED_MODELS = """
LANGUAGE sql STABLE AS $$
  SELECT m.tenant_id FROM duration_models m WHERE m.status = 'queued' AND m.created_at <= present ORDER BY m.created_at
$$
"""
QUEUED_FORECASTS = """
LANGUAGE sql STABLE AS $$
  SELECT f.tenant_id FROM forecasts f WHERE f.status = 'queued' AND f.created_at <= present
  GROUP BY f.tenant_id ORDER BY min(f.created_at)
$$
"""


def _models() -> None:
    op.create_table(
        "duration_models",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quantile", sa.Double(), nullable=False),
        sa.Column("history", sa.Interval(), nullable=False),
        sa.Column("promote", sa.Boolean(), nullable=False),
        sa.Column("trained_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trained_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("operations", sa.Integer(), nullable=False),
        sa.Column("holdout_operations", sa.Integer(), nullable=False),
        sa.Column("cells", sa.Integer(), nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("promoted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duration_models")),
        info={"tenant": True},
    )
    op.create_index("ix_duration_models_created_at", "duration_models", ["tenant_id", "created_at"], unique=False)
    op.create_index(
        "uq_duration_models_in_force",
        "duration_models",
        ["tenant_id"],
        unique=True,
        postgresql_where="state = 'in_force'",
    )
    op.create_index("uq_duration_models_model_version", "duration_models", ["tenant_id", "model_version"], unique=True)
    op.create_index(
        "uq_duration_models_queued", "duration_models", ["tenant_id"], unique=True, postgresql_where="status = 'queued'"
    )
    op.create_table(
        "duration_estimates",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("work_center", sa.Text(), nullable=False),
        sa.Column("operations", sa.Integer(), nullable=False),
        sa.Column("exponent", sa.Double(), nullable=False),
        sa.Column("run_median_s", sa.Double(), nullable=False),
        sa.Column("run_quantile_s", sa.Double(), nullable=False),
        sa.Column("ratio_median", sa.Double(), nullable=True),
        sa.Column("ratio_quantile", sa.Double(), nullable=True),
        sa.Column("setups", sa.Integer(), nullable=False),
        sa.Column("setup_median_s", sa.Double(), nullable=True),
        sa.Column("setup_quantile_s", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "model_id"],
            ["duration_models.tenant_id", "duration_models.id"],
            name=op.f("fk_duration_estimates_tenant_id_model_id"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "model_id", "product", "operation", "work_center", name=op.f("pk_duration_estimates")
        ),
        info={"tenant": True},
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_version", sa.Integer(), nullable=False),
        sa.Column("baseline_schedule_id", sa.Uuid(), nullable=False),
        sa.Column("causes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("exception_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_time", sa.Interval(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "baseline_schedule_id"],
            ["schedules.tenant_id", "schedules.id"],
            name=op.f("fk_proposals_tenant_id_baseline_schedule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "schedule_id"],
            ["schedules.tenant_id", "schedules.id"],
            name=op.f("fk_proposals_tenant_id_schedule_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_proposals")),
        info={"tenant": True},
    )
    op.create_index("ix_proposals_created_at", "proposals", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_proposals_state", "proposals", ["tenant_id", "state"], unique=False)
    op.create_index("uq_proposals_schedule_id", "proposals", ["tenant_id", "schedule_id"], unique=True)
    op.create_table(
        "proposal_changes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("old_work_center", sa.Text(), nullable=True),
        sa.Column("old_operator", sa.Text(), nullable=True),
        sa.Column("old_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("old_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_work_center", sa.Text(), nullable=True),
        sa.Column("new_operator", sa.Text(), nullable=True),
        sa.Column("new_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "proposal_id"],
            ["proposals.tenant_id", "proposals.id"],
            name=op.f("fk_proposal_changes_tenant_id_proposal_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "proposal_id", "operation_id", name=op.f("pk_proposal_changes")),
        info={"tenant": True},
    )


def _forecasts() -> None:
    op.create_table(
        "forecasts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_forecasts")),
        info={"tenant": True},
    )
    op.create_index("ix_forecasts_created_at", "forecasts", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_forecasts_status", "forecasts", ["tenant_id", "status"], unique=False)
    op.create_table(
        "forecast_buckets",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("forecast_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("consumed", sa.Numeric(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "forecast_id"],
            ["forecasts.tenant_id", "forecasts.id"],
            name=op.f("fk_forecast_buckets_tenant_id_forecast_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_forecast_buckets_tenant_id_work_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_forecast_buckets")),
        info={"tenant": True},
    )
    op.create_index("ix_forecast_buckets_forecast_id", "forecast_buckets", ["tenant_id", "forecast_id"], unique=False)
    op.create_index(
        "ix_forecast_buckets_product_state", "forecast_buckets", ["tenant_id", "product", "state"], unique=False
    )
    op.create_index(
        "uq_forecast_buckets_work_order_id", "forecast_buckets", ["tenant_id", "work_order_id"], unique=True
    )
