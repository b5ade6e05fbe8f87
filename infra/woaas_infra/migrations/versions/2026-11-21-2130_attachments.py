"""Files under work orders and operations."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import isolate

revision = "0030_attachments"
down_revision = "0028_webhooks"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_version", sa.Integer(), nullable=False),
        sa.Column("access_class", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("removed_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "work_order_id"],
            ["work_orders.tenant_id", "work_orders.id"],
            name=op.f("fk_attachments_tenant_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attachments")),
        info={"tenant": True},
    )
    for name, columns, unique in (
        (
            "uq_attachments_subject_id_access_class_name_file_version",
            ["subject_id", "access_class", "name", "file_version"],
            True,
        ),
        ("ix_attachments_work_order_id_id", ["work_order_id", "id"], False),
        ("ix_attachments_operation_id_id", ["operation_id", "id"], False),
    ):
        op.create_index(name, "attachments", ["tenant_id", *columns], unique=unique)
    op.create_table(
        "attachment_parts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "attachment_id", "part", name=op.f("pk_attachment_parts")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("attachments", app="SELECT, INSERT, UPDATE"),
        *isolate("attachment_parts", app="SELECT, INSERT, DELETE"),
        # Drawings and pictures are packed already.
        "ALTER TABLE attachment_parts ALTER COLUMN content SET STORAGE EXTERNAL",
    ):
        op.execute(statement)


def downgrade() -> None:
    for table in ("attachment_parts", "attachments"):
        op.drop_table(table)
