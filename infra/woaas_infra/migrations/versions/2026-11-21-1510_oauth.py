"""Applications, what people let them do, and their tokens; whom a token is for, read on entering."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, across_tenants, definer_function, isolate

revision = "0017_oauth"
down_revision = "0015_connectors"
branch_labels = None
depends_on = None

TABLES = ("oauth_clients", "oauth_grants", "oauth_tokens")


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("first_party", sa.Boolean(), nullable=False),
        sa.Column("redirect_uris", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("grant_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("scope", postgresql.JSONB(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_oauth_clients")),
        info={"tenant": True},
    )
    # Across tenants: who an application is has to be known before its tenant is.
    op.create_index("ix_oauth_clients_id", "oauth_clients", ["id"], unique=False)
    op.create_table(
        "oauth_grants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_challenge", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_oauth_grants")),
        info={"tenant": True},
    )
    op.create_index("uq_oauth_grants_code_hash", "oauth_grants", ["tenant_id", "code_hash"], unique=True)
    op.create_index(
        "ix_oauth_grants_user_id_client_id", "oauth_grants", ["tenant_id", "user_id", "client_id"], unique=False
    )
    op.create_table(
        "oauth_tokens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_oauth_tokens")),
        info={"tenant": True},
    )
    op.create_index("uq_oauth_tokens_token_hash", "oauth_tokens", ["tenant_id", "token_hash"], unique=True)
    op.create_index("ix_oauth_tokens_expires_at", "oauth_tokens", ["tenant_id", "expires_at"], unique=False)
    op.create_index("ix_oauth_tokens_grant_id", "oauth_tokens", ["tenant_id", "grant_id"], unique=False)
    for statement in (
        *isolate("oauth_clients", app="SELECT, INSERT, UPDATE"),
        *isolate("oauth_grants"),
        *isolate("oauth_tokens"),
        *(s for table in TABLES for s in across_tenants(DEFINER, table, "SELECT")),
        *definer_function("find_oauth_client(found uuid) RETURNS SETOF oauth_clients", FIND_CLIENT),
        *definer_function(f"authenticate_token(found_tenant uuid, found_token uuid) RETURNS {CALLER_ROW}", CALLER),
    ):
        op.execute(statement)


def downgrade() -> None:
    op.execute(f"SET LOCAL ROLE {DEFINER}")
    op.execute("DROP FUNCTION authenticate_token(uuid, uuid)")
    op.execute("DROP FUNCTION find_oauth_client(uuid)")
    op.execute("SET LOCAL ROLE woaas_owner")
    for table in TABLES:
        op.drop_table(table)


FIND_CLIENT = """
LANGUAGE sql STABLE AS $$ SELECT * FROM oauth_clients c WHERE c.id = found AND c.archived_at IS NULL $$
"""

CALLER_ROW = (
    "TABLE (tenant_id uuid, livemode boolean, organisation_id uuid, policy_version bigint, releases_limited boolean, "
    "subject_id uuid, subject_name text, roles text[], customer text, scope jsonb, kind text, scopes text[], "
    "client_id uuid)"
)
# Whatever ends a token is asked here, in the round trip that enters the tenant: itself, its family, its application
# and its user. So it is refused from the next request on, in every process.
CALLER = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL,
      coalesce(u.id, c.id), coalesce(u.name, c.name), coalesce(u.roles, c.roles),
      CASE WHEN k.user_id IS NULL THEN c.customer ELSE u.customer END,
      CASE WHEN k.user_id IS NULL THEN c.scope ELSE u.scope END,
      CASE WHEN k.user_id IS NULL THEN 'oauth_client' ELSE 'user' END,
      ARRAY(SELECT unnest(k.scopes) INTERSECT SELECT unnest(c.scopes)), c.id
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer,
      scope, kind, scopes, client_id
    FROM oauth_tokens k JOIN tenants t ON t.id = k.tenant_id
      JOIN oauth_clients c ON c.tenant_id = k.tenant_id AND c.id = k.client_id AND c.archived_at IS NULL
      LEFT JOIN oauth_grants g ON g.tenant_id = k.tenant_id AND g.id = k.grant_id
      LEFT JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id AND u.state = 'active'
    WHERE k.tenant_id = found_tenant AND k.id = found_token AND k.kind = 'access'
      AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp()
      AND g.revoked_at IS NULL AND (k.user_id IS NULL OR u.id IS NOT NULL);
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
