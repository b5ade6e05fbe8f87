"""Exports of what lists have, and the search through trigram indexes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0029_exports"
down_revision = "0032_saml"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_EXTENSIONS = ("pg_trgm", "btree_gin")
_SEARCHED = ("work_orders", "operations", "master_data")


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filter", postgresql.JSONB(), nullable=False),
        sa.Column("query", postgresql.JSONB(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("requested_by", postgresql.JSONB(), nullable=False),
        sa.Column("leased_until", _INSTANT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("rows_expected", sa.BigInteger(), nullable=True),
        sa.Column("rights", postgresql.JSONB(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT, nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_exports")),
        info={"tenant": True},
    )
    op.create_index("ix_exports_requester_id", "exports", ["tenant_id", "requester", "id"])
    op.create_table(
        "export_parts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "export_id", "part", name=op.f("pk_export_parts")),
        info={"tenant": True},
    )
    for statement in (
        *isolate("exports", app="SELECT, INSERT, UPDATE"),
        *isolate("export_parts", app="SELECT, INSERT, DELETE"),
        *across_tenants(DEFINER, "exports", "SELECT"),
        *definer_function("tenants_with_due_exports(at timestamptz) RETURNS SETOF uuid", DUE),
        # Trusted: a role that may create in the database may install them.
        *(f"CREATE EXTENSION IF NOT EXISTS {name}" for name in _EXTENSIONS),
        *INDEXES,
        *(s for table in _SEARCHED for s in across_tenants(DEFINER, table, "SELECT")),
        *definer_function("search_ids(kind text, fields text[], pattern text) RETURNS SETOF uuid", SEARCH),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION search_ids(text, text[], text)")
    op.execute("DROP FUNCTION tenants_with_due_exports(timestamptz)")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for table in _SEARCHED:
        op.execute(f"DROP INDEX ix_{table}_searched")
        op.execute(f"DROP POLICY definer_all ON {table}")
        op.execute(f"REVOKE SELECT ON {table} FROM {DEFINER}")  # noqa: S608 - names of ours
    for name in _EXTENSIONS:
        op.execute(f"DROP EXTENSION {name}")
    for table in ("exports", "export_parts"):
        op.drop_table(table)


DUE = """
LANGUAGE sql STABLE AS $$
SELECT DISTINCT e.tenant_id FROM exports e
WHERE e.status = 'queued' OR (e.status = 'running' AND e.leased_until <= at)
$$
"""

INDEXES = (
    """
    CREATE INDEX ix_work_orders_searched ON work_orders USING gin (tenant_id, number gin_trgm_ops, title gin_trgm_ops,
        product gin_trgm_ops, customer gin_trgm_ops, external_ref gin_trgm_ops, serial_number gin_trgm_ops)
    """,
    "CREATE INDEX ix_operations_searched ON operations USING gin (tenant_id, name gin_trgm_ops)",
    """
    CREATE INDEX ix_master_data_searched ON master_data USING gin (tenant_id, kind, code gin_trgm_ops,
        (body ->> 'name') gin_trgm_ops)
    """,
)

# It names candidates in the tenant at hand by the fields that its caller may be told of; the caller's own statement,
# behind row-level security, judges each again by mask and row scope. The plan must know the fields: what is not asked
# for would keep an index unused.
SEARCH = """
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    mine uuid := app_tenant();
BEGIN
    CASE kind
    WHEN 'work_order' THEN
        RETURN QUERY SELECT w.id FROM work_orders w WHERE w.tenant_id = mine AND (
            ('number' = ANY (fields) AND w.number ILIKE pattern)
            OR ('title' = ANY (fields) AND w.title ILIKE pattern)
            OR ('product' = ANY (fields) AND w.product ILIKE pattern)
            OR ('customer' = ANY (fields) AND w.customer ILIKE pattern)
            OR ('external_ref' = ANY (fields) AND w.external_ref ILIKE pattern)
            OR ('serial_number' = ANY (fields) AND w.serial_number ILIKE pattern));
    WHEN 'operation' THEN
        RETURN QUERY SELECT o.id FROM operations o
        WHERE o.tenant_id = mine AND 'name' = ANY (fields) AND o.name ILIKE pattern;
    ELSE
        RETURN QUERY SELECT m.id FROM master_data m WHERE m.tenant_id = mine AND m.kind = search_ids.kind AND (
            ('code' = ANY (fields) AND m.code ILIKE pattern)
            OR ('name' = ANY (fields) AND m.body ->> 'name' ILIKE pattern)
            OR ('serial_number' = ANY (fields) AND m.body ->> 'serial_number' ILIKE pattern)
            OR ('product' = ANY (fields) AND m.body ->> 'product' ILIKE pattern)
            OR ('lot' = ANY (fields) AND m.body ->> 'lot' ILIKE pattern)
            OR ('material' = ANY (fields) AND m.body ->> 'material' ILIKE pattern));
    END CASE;
END
$$
"""
