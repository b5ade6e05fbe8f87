"""Connectors: what machines say, and who reported what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, across_tenants, definer_function, isolate

revision = "0015_connectors"
down_revision = "0018_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connectors",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("broker", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("password", sa.LargeBinary(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sparkplug", sa.Boolean(), nullable=False),
        sa.Column("stale_after", sa.Interval(), nullable=True),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("self_test", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_connectors")),
        info={"tenant": True},
    )
    op.create_index("uq_connectors_code", "connectors", ["tenant_id", "code"], unique=True)
    op.create_table(
        "connector_tags",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("connector_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counter", sa.Numeric(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connectors.tenant_id", "connectors.id"],
            name=op.f("fk_connector_tags_tenant_id_connector_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "connector_id", "tag", name=op.f("pk_connector_tags")),
        info={"tenant": True},
    )
    op.create_table(
        "sparkplug_nodes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("connector_id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("bd_seq", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("aliases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "connector_id"],
            ["connectors.tenant_id", "connectors.id"],
            name=op.f("fk_sparkplug_nodes_tenant_id_connector_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "connector_id", "node", name=op.f("pk_sparkplug_nodes")),
        info={"tenant": True},
    )
    op.create_table(
        "machine_states",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("work_center", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.Uuid(), nullable=False),
        sa.Column("claimed", sa.Text(), nullable=True),
        sa.Column("written", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Text(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "work_center", name=op.f("pk_machine_states")),
        info={"tenant": True},
    )
    op.add_column("reports", sa.Column("connector", sa.Text(), nullable=True))
    for statement in (
        *isolate("connectors", app="SELECT, INSERT, UPDATE"),
        *isolate("connector_tags"),
        *isolate("sparkplug_nodes", app="SELECT, INSERT, UPDATE"),
        *isolate("machine_states", app="SELECT, INSERT, UPDATE"),
        *across_tenants(DEFINER, "connectors", "SELECT"),
        *definer_function(
            "connectors_to_follow() RETURNS TABLE (tenant_id uuid, connector_id uuid, version integer, "
            "is_enabled boolean, is_own boolean, test_id text)",
            TO_FOLLOW,
        ),
        *definer_function("authenticate_connector(connector uuid, token bytea) RETURNS boolean", AUTHENTICATE),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION authenticate_connector(uuid, bytea)")
    op.execute("DROP FUNCTION connectors_to_follow()")
    op.execute("SET LOCAL ROLE woaas_owner")
    op.drop_column("reports", "connector")
    for table in ("machine_states", "sparkplug_nodes", "connector_tags", "connectors"):
        op.drop_table(table)


# What the process that follows the brokers of all tenants has to do; it then works in one tenant at a time.
TO_FOLLOW = """
LANGUAGE sql STABLE AS $$
  SELECT c.tenant_id, c.id, c.version, c.state = 'enabled', c.broker IS NULL,
    CASE c.self_test ->> 'status' WHEN 'queued' THEN c.self_test ->> 'id' END
  FROM connectors c WHERE c.state = 'enabled' OR c.self_test ->> 'status' = 'queued'
  ORDER BY c.tenant_id, c.id
$$
"""

# A gateway names its connector and shows its password before any tenant is known.
AUTHENTICATE = """
LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM connectors c WHERE c.id = connector AND c.token_hash = token
    AND c.state = 'enabled' AND c.broker IS NULL)
$$
"""
