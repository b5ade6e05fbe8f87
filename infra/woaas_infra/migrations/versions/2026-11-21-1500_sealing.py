"""The history of the keys that sign the log, and the cosignatures of its witnesses."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import SEQUENCER, across_tenants, isolate

revision = "0022_sealing"
down_revision = "0020_signatures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_key", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "cosignature",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "origin", "size", "witness", "cosigned_at", name=op.f("pk_cosignature")),
        info={"tenant": True},
    )
    for statement in (
        f"GRANT UPDATE (retired_at) ON audit_key TO {SEQUENCER}",
        *isolate("cosignature", app="SELECT"),
        *across_tenants(SEQUENCER, "cosignature", "SELECT, INSERT"),
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cosignature "
        "EXECUTE FUNCTION refuse_change()",
        "ALTER TABLE cosignature ENABLE ALWAYS TRIGGER append_only",
    ):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("cosignature")
    op.execute(f"REVOKE UPDATE (retired_at) ON audit_key FROM {SEQUENCER}")
    op.drop_column("audit_key", "retired_at")
