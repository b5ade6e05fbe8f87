"""Single sign-on: connections to identity providers, whom they know, and the answers that were taken."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, OWNER, across_tenants, definer_function, isolate

revision = "0026_sso"
down_revision = "0024_archive"
branch_labels = None
depends_on = None

TABLES = ("sso_connections", "user_identities", "sso_answers")
FUNCTIONS = ("sso_by_domain(text)", "enter_sso(uuid)", "tenants_with_sso_domains(timestamptz)")
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sso_connections",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=False),
        sa.Column("domains", postgresql.JSONB(), nullable=False),
        sa.Column("verified_domains", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("domains_due_at", _INSTANT, nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("role_claim", sa.Text(), nullable=True),
        sa.Column("role_map", postgresql.JSONB(), nullable=False),
        sa.Column("enforced", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sso_connections")),
        info={"tenant": True},
    )
    # Across tenants: an address leads to its provider before anybody has signed in.
    op.create_index(
        "ix_sso_connections_verified_domains", "sso_connections", ["verified_domains"], postgresql_using="gin"
    )
    op.create_index("ix_sso_connections_id", "sso_connections", ["id"], unique=False)
    op.create_table(
        "user_identities",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "connection_id", "subject", name=op.f("pk_user_identities")),
        info={"tenant": True},
    )
    op.create_index("uq_user_identities_user_id", "user_identities", ["tenant_id", "user_id"], unique=True)
    op.create_table(
        "sso_answers",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "digest", name=op.f("pk_sso_answers")),
        info={"tenant": True},
    )
    for statement in (
        *(s for table in TABLES for s in isolate(table)),
        *across_tenants(DEFINER, "sso_connections", "SELECT"),
        *definer_function("sso_by_domain(given_domain text) RETURNS TABLE (id uuid, name text)", BY_DOMAIN),
        *definer_function("enter_sso(given_id uuid) RETURNS TABLE (tenant_id uuid, livemode boolean)", ENTER),
        *definer_function("tenants_with_sso_domains(present timestamptz) RETURNS SETOF uuid", WITH_DOMAINS),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute(f"SET LOCAL ROLE {OWNER}")
    for table in TABLES:
        op.drop_table(table)


BY_DOMAIN = """
LANGUAGE sql STABLE AS $$
  SELECT c.id, c.name FROM sso_connections c
  WHERE c.verified_domains @> ARRAY[given_domain] AND c.enabled ORDER BY c.name, c.id
$$
"""
ENTER = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode INTO tenant_id, livemode
    FROM sso_connections c JOIN tenants t ON t.id = c.tenant_id WHERE c.id = given_id AND c.enabled;
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
WITH_DOMAINS = """
LANGUAGE sql STABLE AS $$ SELECT DISTINCT c.tenant_id FROM sso_connections c WHERE c.domains_due_at <= present $$
"""
