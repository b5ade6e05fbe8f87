"""Accounts: states of people, second factors, one-time tokens, the outbox of mail, failed sign-ins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from woaas_core.db.tenancy import APP, DEFINER, across_tenants, definer_function, isolate

revision = "0018_accounts"
down_revision = "0016_pilots"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("users", sa.Column("state", sa.Text(), nullable=False, server_default="active"))
    op.add_column("users", sa.Column("email_verified_at", _INSTANT, nullable=True))
    op.add_column("users", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("users", "version", server_default=None)
    op.add_column("api_keys", sa.Column("networks", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column("api_keys", "networks", server_default=None)
    for name in ("created_by", "replaces"):
        op.add_column("api_keys", sa.Column(name, sa.Uuid(), nullable=True))
    for statement in SUSPEND:
        op.execute(statement)
    op.alter_column("users", "state", server_default=None)
    op.alter_column("users", "password_hash", nullable=True)
    op.drop_column("users", "disabled_at")
    for column in ("method", "address", "agent"):
        default = "password" if column == "method" else ""
        op.add_column("sessions", sa.Column(column, sa.Text(), nullable=False, server_default=default))
        op.alter_column("sessions", column, server_default=None)
    op.create_index("ix_sessions_user_id", "sessions", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "second_factors",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("confirmed_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_second_factors")),
        info={"tenant": True},
    )
    op.create_table(
        "recovery_codes",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", "code_hash", name=op.f("pk_recovery_codes")),
        info={"tenant": True},
    )
    op.create_table(
        "user_tokens",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_user_tokens")),
        info={"tenant": True},
    )
    op.create_index("ix_user_tokens_token_hash", "user_tokens", ["token_hash"], unique=False)
    op.create_index("ix_user_tokens_user_id_purpose", "user_tokens", ["tenant_id", "user_id", "purpose"], unique=False)
    op.create_table(
        "mails",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("due_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mails")),
        info={"tenant": True},
    )
    op.create_index("ix_mails_due_at", "mails", ["tenant_id", "due_at"], unique=False)
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", _INSTANT, nullable=False),
        sa.Column("blocked_until", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failures")),
    )
    op.execute("DROP FUNCTION authenticate_key")
    op.execute("DROP FUNCTION authenticate_session")
    op.execute("DROP FUNCTION find_login")
    for statement in (
        *(s for table in ("second_factors", "recovery_codes", "user_tokens", "mails") for s in isolate(table)),
        *across_tenants(DEFINER, "user_tokens", "SELECT"),
        *across_tenants(DEFINER, "mails", "SELECT, INSERT"),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failures TO {APP}",
        *definer_function(f"authenticate_key(found_key_id text, found_hash bytea) RETURNS {KEY_ROW}", BY_KEY),
        *definer_function(f"authenticate_session(found_hash bytea) RETURNS {SESSION_ROW}", BY_SESSION),
        *definer_function("find_login(given_email text) RETURNS SETOF users", LOGIN),
        *definer_function(f"enter_by_token(found_hash bytea) RETURNS {OPENED_ROW}", BY_LINK),
        *definer_function("queue_reset(given_email text, present timestamptz) RETURNS void", QUEUE_RESET),
        *definer_function("tenants_with_mail(present timestamptz) RETURNS SETOF uuid", WITH_MAIL),
    ):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("people who were shut out would get in")


# The owner of the table does not see tenants' rows either, unless it is let.
SUSPEND = (
    "ALTER TABLE users NO FORCE ROW LEVEL SECURITY",
    "UPDATE users SET state = 'suspended' WHERE disabled_at IS NOT NULL",
    "ALTER TABLE users FORCE ROW LEVEL SECURITY",
)
TENANT_COLUMNS = (
    "tenant_id uuid, livemode boolean, organisation_id uuid, policy_version bigint, releases_limited boolean"
)
CALLER_COLUMNS = f"{TENANT_COLUMNS}, subject_id uuid, subject_name text, roles text[], customer text, scope jsonb"
KEY_ROW = f"TABLE ({CALLER_COLUMNS}, networks text[])"
SESSION_ROW = f"TABLE ({CALLER_COLUMNS}, session_id uuid)"
OPENED_ROW = "TABLE (tenant_id uuid, livemode boolean, token_id uuid, user_id uuid, email text, name text, expires_at timestamptz)"
# A key goes with the person who made it: while he is shut out it opens nothing.
BY_KEY = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, t.organisation_id, t.policy_version, t.release_allowance IS NOT NULL,
      k.id, k.name, k.roles, k.customer, k.scope, k.networks
    INTO tenant_id, livemode, organisation_id, policy_version, releases_limited, subject_id, subject_name, roles, customer,
      scope, networks
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.key_id = found_key_id AND k.secret_hash = found_hash AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
      AND (k.created_by IS NULL OR EXISTS (SELECT FROM users u
        WHERE u.tenant_id = k.tenant_id AND u.id = k.created_by AND u.state = 'active'));
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
    WHERE s.token_hash = found_hash AND s.expires_at > clock_timestamp() AND u.state = 'active';
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
LOGIN = """
LANGUAGE sql STABLE AS $$ SELECT * FROM users u WHERE u.email = given_email AND u.state = 'active' $$
"""
# A link also lets in who has been invited; nobody else who is shut out.
BY_LINK = """
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT t.id, t.livemode, k.id, u.id, u.email, u.name, k.expires_at
    INTO tenant_id, livemode, token_id, user_id, email, name, expires_at
    FROM user_tokens k JOIN tenants t ON t.id = k.tenant_id
    JOIN users u ON u.tenant_id = k.tenant_id AND u.id = k.user_id
    WHERE k.token_hash = found_hash AND k.used_at IS NULL AND u.state IN ('active', 'invited');
  IF FOUND THEN PERFORM set_config('app.tenant_id', tenant_id::text, true); RETURN NEXT; END IF;
END $$
"""
# One open mail at a time, and one a minute: asking again and again fills nobody's mailbox.
QUEUE_RESET = """
LANGUAGE sql VOLATILE AS $$
  INSERT INTO mails (tenant_id, id, user_id, purpose, attempts, created_at, due_at)
  SELECT u.tenant_id, gen_random_uuid(), u.id, 'reset_password', 0, present, present
  FROM users u WHERE u.email = given_email AND u.state = 'active'
    AND NOT EXISTS (SELECT FROM mails m
      WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id AND m.purpose = 'reset_password')
    AND NOT EXISTS (SELECT FROM user_tokens k
      WHERE k.tenant_id = u.tenant_id AND k.user_id = u.id AND k.purpose = 'reset_password'
        AND k.created_at > present - interval '1 minute')
$$
"""
WITH_MAIL = """
LANGUAGE sql STABLE AS $$ SELECT DISTINCT m.tenant_id FROM mails m WHERE m.due_at <= present $$
"""
