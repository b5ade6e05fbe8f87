"""Electronic signatures; who read the log."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import APP, isolate

revision = "0020_signatures"
down_revision = "0009_promises"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("work_orders", sa.Column("is_signed", sa.Boolean(), nullable=False, server_default="false"))
    op.create_table(
        "signatures",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("signer_id", sa.Uuid(), nullable=False),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("record_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("invalidated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invalidated_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_signatures_tenant_id_work_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_signatures")),
        info={"tenant": True},
    )
    for column in ("operation_id", "work_order_id"):
        op.create_index(f"ix_signatures_{column}_id", "signatures", ["tenant_id", column, "id"], unique=False)
    op.create_table(
        "log_readers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "reader", name=op.f("pk_log_readers")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("log_readers", app="SELECT, INSERT, UPDATE"),
        *isolate("signatures", app="SELECT, INSERT"),
        # Marked, never altered and never taken away.
        f"GRANT UPDATE (state, invalidated_at, invalidated_by) ON signatures TO {APP}",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("log_readers")
    op.drop_table("signatures")
    op.drop_column("work_orders", "is_signed")
