"""Who can call: API keys, users with their credentials, and console sessions."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, metadata, tenant_index, tenant_table

api_keys: Table = tenant_table(
    "api_keys",
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    # The first characters of the secret, shown in lists and used to find the row; the rest is only kept hashed.
    Column("key_id", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("customer", Text),
    # The part of the tenant it is for; empty is all of it.
    Column("scope", JSONB, nullable=False),
    # Where it may be used from, as CIDR blocks; empty is everywhere.
    Column("networks", ARRAY(Text), nullable=False),
    # The user who made it: shut out, he takes it with him.
    Column("created_by", Uuid),
    # The key whose successor it is.
    Column("replaces", Uuid),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
    Index("ix_api_keys_key_id", "key_id"),
)

users: Table = tenant_table(
    "users",
    Column("id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    # None until he has set one.
    Column("password_hash", Text),
    Column("roles", ARRAY(Text), nullable=False),
    Column("customer", Text),
    # The part of the tenant it is for; empty is all of it.
    Column("scope", JSONB, nullable=False),
    Column("language", Text, nullable=False),
    # Whether he is sent the newest checkpoint of the log each day, if his roles are those of who watches it.
    Column("checkpoint_mail", Boolean, nullable=False),
    # invited, active, suspended or removed; only an active person gets in.
    Column("state", Text, nullable=False),
    instant("email_verified_at", nullable=True),
    # When access ends by itself; none is never.
    instant("access_until", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    tenant_index("users", "email", unique=True),
    Index("ix_users_email", "email"),
)

sessions: Table = tenant_table(
    "sessions",
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    # How it was started (password, code, recovery_code) and from where, for the list of one's sessions.
    Column("method", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    Index("ix_sessions_token_hash", "token_hash"),
    tenant_index("sessions", "user_id"),
)

second_factors: Table = tenant_table(
    "second_factors",
    Column("user_id", Uuid, nullable=False),
    # Sealed with the installation's key.
    Column("secret", LargeBinary, nullable=False),
    # The newest time step whose code was taken: none counts twice.
    Column("last_step", BigInteger, nullable=False),
    instant("created_at"),
    instant("confirmed_at", nullable=True),
    key=("user_id",),
)

recovery_codes: Table = tenant_table(
    "recovery_codes",
    Column("user_id", Uuid, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    instant("used_at", nullable=True),
    key=("user_id", "code_hash"),
)

# What proves once that somebody reads a person's mail, or that he has given his password already.
user_tokens: Table = tenant_table(
    "user_tokens",
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    Index("ix_user_tokens_token_hash", "token_hash"),
    tenant_index("user_tokens", "user_id", "purpose"),
)

# Mail to be sent. The link's token is made when it is: here is nothing that opens an account.
mails: Table = tenant_table(
    "mails",
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("created_at"),
    instant("due_at"),
    tenant_index("mails", "due_at"),
)

# Failed sign-ins by account, browser or network address. Before one is signed in there is no tenant; what is counted
# is a keyed digest, so that the table names nobody.
sign_in_failures: Table = Table(
    "sign_in_failures",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    instant("failed_at"),
    instant("blocked_until"),
)
