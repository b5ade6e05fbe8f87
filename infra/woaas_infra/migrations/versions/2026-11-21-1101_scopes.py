"""The part of a tenant that a key or member is for, read on entering; what grants open to a contract's partner."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import definer_function, isolate_two_party

revision = "0014_scopes"
down_revision = "0013_permissions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("api_keys", "users"):
        op.add_column(table, sa.Column("scope", postgresql.JSONB(), nullable=False, server_default="{}"))
        op.alter_column(table, "scope", server_default=None)
    op.create_table(
        "market_openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("buyer_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("partner_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_party_id", sa.Uuid(), nullable=False),
        sa.Column("partner_party_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_market_openings")),
        info={"two_party": True},
    )
    op.create_index("ix_market_openings_buyer", "market_openings", ["buyer_tenant_id", "id"], unique=False)
    op.create_index("ix_market_openings_partner", "market_openings", ["partner_tenant_id", "id"], unique=False)
    op.create_index("ix_market_openings_contract_id", "market_openings", ["contract_id"], unique=False)
    op.execute("DROP FUNCTION authenticate_key")
    op.execute("DROP FUNCTION authenticate_session")
    for statement in (
        *isolate_two_party("market_openings"),
        *definer_function(f"authenticate_key(found_key_id text, found_hash bytea) RETURNS {CALLER_ROW}", BY_KEY),
        *definer_function(f"authenticate_session(found_hash bytea) RETURNS {SESSION_ROW}", BY_SESSION),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("keys for a part of a tenant would be for all of it")


CALLER_COLUMNS = (
    "tenant_id uuid, livemode boolean, organisation_id uuid, policy_version bigint, releases_limited boolean, "
    "subject_id uuid, subject_name text, roles text[], customer text, scope jsonb"
)
CALLER_ROW = f"TABLE ({CALLER_COLUMNS})"
SESSION_ROW = f"TABLE ({CALLER_COLUMNS}, session_id uuid)"

BY_KEY = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL,
      k.id, k.name, k.roles, k.customer, k.scope
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer,
      scope
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
      u.id, u.name, u.roles, u.customer, u.scope, s.id
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer,
      scope, session_id
    FROM sessions s JOIN tenants t ON t.id = s.tenant_id JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
    WHERE s.token_hash = found_hash AND s.expires_at > clock_timestamp() AND u.disabled_at IS NULL;
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
