"""Tenants, keys, users, sessions and policy lines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import DEFINER, across_tenants, definer_function, isolate

revision = "0002_security"
down_revision = "0001_core"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
        info={"tenant": True},
    )
    op.create_index("ix_api_keys_key_id", "api_keys", ["key_id"], unique=False)
    op.create_table(
        "permission_policy",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "role", "resource", "field", "action", name=op.f("pk_permission_policy")),
        info={"tenant": True},
    )
    op.create_table(
        "sessions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sessions")),
        info={"tenant": True},
    )
    op.create_index("ix_sessions_token_hash", "sessions", ["token_hash"], unique=False)
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), nullable=False),
        sa.Column("release_allowance", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        info={"tenant": True, "tenant_column": "id"},
    )
    op.create_table(
        "users",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_users")),
        info={"tenant": True},
    )
    op.create_index("ix_users_email", "users", ["email"], unique=False)
    op.create_index("uq_users_email", "users", ["tenant_id", "email"], unique=True)
    for statement in (
        *isolate("tenants", app="SELECT, INSERT, UPDATE", column="id"),
        *isolate("api_keys", app="SELECT, INSERT, UPDATE"),
        *isolate("users", app="SELECT, INSERT, UPDATE"),
        *isolate("sessions"),
        *isolate("permission_policy"),
        *(
            s
            for table in ("tenants", "api_keys", "users", "sessions")
            for s in across_tenants(DEFINER, table, "SELECT")
        ),
        *definer_function(f"enter_tenant(entered uuid) RETURNS {TENANT_ROW}", ENTER),
        *definer_function(f"authenticate_key(found_key_id text, found_hash bytea) RETURNS {CALLER_ROW}", BY_KEY),
        *definer_function(f"authenticate_session(found_hash bytea) RETURNS {SESSION_ROW}", BY_SESSION),
        *definer_function("find_login(given_email text) RETURNS SETOF users", LOGIN),
        *definer_function("live_tenants() RETURNS SETOF uuid", LIVE),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("removing security would remove every tenant")


TENANT_COLUMNS = (
    "tenant_id uuid, livemode boolean, organisation_id uuid, policy_version bigint, releases_limited boolean"
)
CALLER_COLUMNS = f"{TENANT_COLUMNS}, subject_id uuid, subject_name text, roles text[], customer text"
TENANT_ROW = f"TABLE ({TENANT_COLUMNS})"
CALLER_ROW = f"TABLE ({CALLER_COLUMNS})"
SESSION_ROW = f"TABLE ({CALLER_COLUMNS}, session_id uuid)"

# Each look-up also enters the tenant for the transaction, so that a request pays one round trip for both. They are
# VOLATILE plpgsql: set_config must run once, after the row is found.
ENTER = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited FROM tenants t WHERE t.id = entered;
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
BY_KEY = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL,
      k.id, k.name, k.roles, k.customer
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.key_id = found_key_id AND k.secret_hash = found_hash AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
BY_SESSION = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL,
      u.id, u.name, u.roles, u.customer, s.id
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer,
      session_id
    FROM sessions s JOIN tenants t ON t.id = s.tenant_id JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    WHERE s.token_hash = found_hash AND s.expires_at > clock_timestamp() AND u.disabled_at IS NULL;
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
LOGIN = """
LANGUAGE sql STABLE AS $$ SELECT * FROM users u WHERE u.email = given_email AND u.disabled_at IS NULL $$
"""
LIVE = """
LANGUAGE sql STABLE AS $$ SELECT t.id FROM tenants t ORDER BY t.id $$
"""
