"""Exports of everything of a tenant."""

import sqlalchemy as sa
from alembic import op

from woaas_core.db.tenancy import DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0027_tenant_lifecycle"
down_revision = "0026_sso"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "data_exports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_data_exports")),
        info={"tenant": True},
    )
    op.create_table(
        "data_export_parts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "part", name=op.f("pk_data_export_parts")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("data_exports", app="SELECT, INSERT, UPDATE"),
        *isolate("data_export_parts", app="SELECT, INSERT, DELETE"),
        *across_tenants(DEFINER, "data_exports", "SELECT"),
        *definer_function("tenants_with_queued_data_exports() RETURNS SETOF uuid", QUEUED),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION tenants_with_queued_data_exports()")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for table in ("data_exports", "data_export_parts"):
        op.drop_table(table)


QUEUED = """
LANGUAGE sql STABLE AS $$ SELECT DISTINCT e.tenant_id FROM data_exports e WHERE e.status = 'queued' $$
"""
