"""Work orders, operations, what happened on them, and master data."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import isolate

revision = "0003_work_orders"
down_revision = "0002_security"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "master_data",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_master_data")),
        info={"tenant": True},
    )
    op.create_index("uq_master_data_kind_code", "master_data", ["tenant_id", "kind", "code"], unique=True)
    op.create_table(
        "number_counters",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "series", name=op.f("pk_number_counters")),
        info={"tenant": True},
    )
    op.create_table(
        "work_orders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("earliest_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("steward", sa.Text(), nullable=True),
        sa.Column("participants", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("data_class", sa.Text(), nullable=True),
        sa.Column("export_controlled", sa.Boolean(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=True),
        sa.Column("serial_number", sa.Text(), nullable=True),
        sa.Column("rework_of", sa.Uuid(), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_from", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("stages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("plan_status", sa.Text(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_work_orders")),
        info={"tenant": True},
    )
    op.create_index("ix_work_orders_customer_id", "work_orders", ["tenant_id", "customer", "id"], unique=False)
    op.create_index("ix_work_orders_state_due_at", "work_orders", ["tenant_id", "state", "due_at"], unique=False)
    op.create_index("uq_work_orders_external_ref", "work_orders", ["tenant_id", "external_ref"], unique=True)
    op.create_index("uq_work_orders_number", "work_orders", ["tenant_id", "number"], unique=True)
    op.create_table(
        "operations",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_from", sa.Text(), nullable=True),
        sa.Column("work_centers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("setup_time", sa.Interval(), nullable=False),
        sa.Column("unit_time", sa.Interval(), nullable=False),
        sa.Column("setup_group", sa.Text(), nullable=True),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tool", sa.Text(), nullable=True),
        sa.Column("materials", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("predecessors", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("inspection_required", sa.Boolean(), nullable=False),
        sa.Column("inspection_passed", sa.Boolean(), nullable=True),
        sa.Column("sourcing", sa.Text(), nullable=False),
        sa.Column("custom_fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rework_of", sa.Uuid(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("work_center", sa.Text(), nullable=True),
        sa.Column("kitted", sa.Boolean(), nullable=False),
        sa.Column("good", sa.Numeric(), nullable=False),
        sa.Column("scrap", sa.Numeric(), nullable=False),
        sa.Column("rework", sa.Numeric(), nullable=False),
        sa.Column("plan_status", sa.Text(), nullable=False),
        sa.Column("planned_work_center", sa.Text(), nullable=True),
        sa.Column("planned_start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("external_state", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_operations_tenant_id_work_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_operations")),
        info={"tenant": True},
    )
    op.create_index(
        "ix_operations_open",
        "operations",
        ["tenant_id", "state"],
        unique=False,
        postgresql_where="state IN ('pending', 'waiting', 'ready', 'running', 'suspended', 'held')",
    )
    op.create_index(
        "uq_operations_work_order_id_sequence", "operations", ["tenant_id", "work_order_id", "sequence"], unique=True
    )
    op.create_table(
        "receipts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_receipts_tenant_id_work_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_receipts")),
        info={"tenant": True},
    )
    op.create_index("ix_receipts_work_order_id_id", "receipts", ["tenant_id", "work_order_id", "id"], unique=False)
    op.create_table(
        "inspections",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "operation_id"],
            ["operations.tenant_id", "operations.id"],
            name=op.f("fk_inspections_tenant_id_operation_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_inspections")),
        info={"tenant": True},
    )
    op.create_index("ix_inspections_operation_id_id", "inspections", ["tenant_id", "operation_id", "id"], unique=False)
    op.create_table(
        "reports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("good", sa.Numeric(), nullable=False),
        sa.Column("scrap", sa.Numeric(), nullable=False),
        sa.Column("rework", sa.Numeric(), nullable=False),
        sa.Column("scrap_reason", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("work_center", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("produced", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "operation_id"],
            ["operations.tenant_id", "operations.id"],
            name=op.f("fk_reports_tenant_id_operation_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_reports")),
        info={"tenant": True},
    )
    op.create_index("ix_reports_ended_at", "reports", ["tenant_id", "ended_at"], unique=False)
    op.create_index("ix_reports_operation_id_id", "reports", ["tenant_id", "operation_id", "id"], unique=False)
    op.create_index("uq_reports_corrects", "reports", ["tenant_id", "corrects"], unique=True)
    op.create_index(
        "uq_reports_external_ref",
        "reports",
        ["tenant_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("corrects IS NULL"),
    )
    for statement in (
        *isolate("work_orders", app="SELECT, INSERT, UPDATE"),
        *isolate("operations", app="SELECT, INSERT, UPDATE"),
        *isolate("number_counters", app="SELECT, INSERT, UPDATE"),
        *isolate("reports", app="SELECT, INSERT"),
        *isolate("inspections", app="SELECT, INSERT"),
        *isolate("receipts", app="SELECT, INSERT"),
        *isolate("master_data", app="SELECT, INSERT, UPDATE"),
    ):
        op.execute(statement)


def downgrade() -> None:
    for table in ("receipts", "inspections", "reports", "operations", "work_orders", "number_counters", "master_data"):
        op.drop_table(table)
