"""Who can call: API keys, users and their console sessions."""

from sqlalchemy import Column, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

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
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("customer", Text),
    # The part of the tenant it is for; empty is all of it.
    Column("scope", JSONB, nullable=False),
    Column("language", Text, nullable=False),
    instant("created_at"),
    instant("disabled_at", nullable=True),
    tenant_index("users", "email", unique=True),
    Index("ix_users_email", "email"),
)

sessions: Table = tenant_table(
    "sessions",
    Column("id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    instant("created_at"),
    instant("expires_at"),
    Index("ix_sessions_token_hash", "token_hash"),
)
