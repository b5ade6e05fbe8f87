"""Exports of the audit log tell how far they are; the newest checkpoint is mailed to who watches the log."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import isolate

revision = "0024_archive"
down_revision = "0025_retention"
branch_labels = None
depends_on = None


PROGRESS = (
    "CASE WHEN status = 'finished' THEN '1' WHEN entries_total > 0 THEN "
    "round(entries_done::numeric / entries_total, 3)::text ELSE '0' END"
)


def upgrade() -> None:
    """Add what is told of an export, and the days on which checkpoints were mailed."""
    op.add_column("audit_exports", sa.Column("entries_done", sa.BigInteger(), nullable=True))
    op.add_column("audit_exports", sa.Column("entries_total", sa.BigInteger(), nullable=True))
    op.add_column(
        "audit_exports", sa.Column("progress", sa.Text(), sa.Computed(PROGRESS, persisted=True), nullable=False)
    )
    op.add_column("users", sa.Column("checkpoint_mail", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("users", "checkpoint_mail", server_default=None)
    op.create_table(
        "checkpoint_mailings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", name=op.f("pk_checkpoint_mailings")),
        info={"tenant": True},
    )
    for statement in isolate("checkpoint_mailings", app="SELECT, INSERT"):
        op.execute(statement)


def downgrade() -> None:
    """Take both away."""
    op.drop_table("checkpoint_mailings")
    op.drop_column("users", "checkpoint_mail")
    for column in ("progress", "entries_total", "entries_done"):
        op.drop_column("audit_exports", column)
