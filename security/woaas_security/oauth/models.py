"""Applications, what people and tenants let them do, and their tokens. Secrets are only kept hashed."""

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

oauth_clients: Table = tenant_table(
    "oauth_clients",
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("first_party", Boolean, nullable=False),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("grant_types", ARRAY(Text), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    # What it may do in its own name, in which part of the tenant; the same as of a key.
    Column("roles", ARRAY(Text), nullable=False),
    Column("customer", Text),
    Column("scope", JSONB, nullable=False),
    Column("secret_hash", LargeBinary),
    # The one before it, live for a while so that a rotation interrupts nobody.
    Column("previous_secret_hash", LargeBinary),
    instant("previous_secret_expires_at", nullable=True),
    instant("created_at"),
    instant("archived_at", nullable=True),
    # Across tenants: who an application is has to be known before its tenant is.
    Index("ix_oauth_clients_id", "id"),
)

# One row for each time a person let an application in: the code it was told by, and the family of its tokens.
oauth_grants: Table = tenant_table(
    "oauth_grants",
    Column("id", Uuid, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("nonce", Text),
    instant("authenticated_at"),
    instant("created_at"),
    instant("code_used_at", nullable=True),
    instant("revoked_at", nullable=True),
    tenant_index("oauth_grants", "code_hash", unique=True),
    tenant_index("oauth_grants", "user_id", "client_id"),
)

oauth_tokens: Table = tenant_table(
    "oauth_tokens",
    # Of an access token its `jti`.
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("client_id", Uuid, nullable=False),
    Column("grant_id", Uuid),
    Column("user_id", Uuid),
    Column("scopes", ARRAY(Text), nullable=False),
    # Of refresh tokens; an access token is known by its signature.
    Column("token_hash", LargeBinary),
    instant("created_at"),
    instant("expires_at"),
    instant("replaced_at", nullable=True),
    instant("revoked_at", nullable=True),
    tenant_index("oauth_tokens", "token_hash", unique=True),
    tenant_index("oauth_tokens", "expires_at"),
    tenant_index("oauth_tokens", "grant_id"),
)
