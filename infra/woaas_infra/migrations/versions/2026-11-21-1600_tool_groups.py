"""What a machine is set up for may come from the tool of its last operation."""

from alembic import op

revision = "0023_tool_groups"
down_revision = "0019_guards"
branch_labels = None
depends_on = None

_COLUMNS = ["tenant_id", "work_center", "started_at"]


def upgrade() -> None:
    """Let the index hold operations with a tool, too."""
    op.drop_index("ix_operations_setup", "operations")
    op.create_index(
        "ix_operations_setup",
        "operations",
        _COLUMNS,
        postgresql_where="started_at IS NOT NULL AND (setup_group IS NOT NULL OR tool IS NOT NULL)",
    )


def downgrade() -> None:
    """Leave them out again."""
    op.drop_index("ix_operations_setup", "operations")
    op.create_index(
        "ix_operations_setup",
        "operations",
        _COLUMNS,
        postgresql_where="setup_group IS NOT NULL AND started_at IS NOT NULL",
    )
