"""Connections to identity providers, whom they know our users as, and the answers of theirs that were taken."""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

sso_connections: Table = tenant_table(
    "sso_connections",
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    # Of SAML the provider's entity ID.
    Column("issuer", Text, nullable=False),
    Column("client_id", Text),
    # Sealed with the installation's key.
    Column("client_secret", LargeBinary),
    # Of SAML only: what of the provider's metadata is used.
    Column("sign_on_url", Text),
    Column("certificates", ARRAY(Text), nullable=False),
    # Whose addresses it vouches for: each with the DNS record to set, and when that was found.
    Column("domains", JSONB, nullable=False),
    Column("verified_domains", ARRAY(Text), nullable=False),
    instant("domains_due_at", nullable=True),
    # What a person gets who comes for the first time.
    Column("roles", ARRAY(Text), nullable=False),
    # A claim whose values stand for roles, given anew with each sign-in.
    Column("role_claim", Text),
    Column("role_map", JSONB, nullable=False),
    # Passwords open nothing any more, but for owners.
    Column("enforced", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    # Across tenants: an address leads to its provider before anybody has signed in.
    Index("ix_sso_connections_verified_domains", "verified_domains", postgresql_using="gin"),
    Index("ix_sso_connections_id", "id"),
)

user_identities: Table = tenant_table(
    "user_identities",
    Column("connection_id", Uuid, nullable=False),
    # The provider's own name for the person, which it never gives to another.
    Column("subject", Text, nullable=False),
    Column("user_id", Uuid, nullable=False),
    instant("created_at"),
    tenant_index("user_identities", "user_id", unique=True),
    key=("connection_id", "subject"),
)

# Answers count once: of each that was taken a digest, until it would be too old anyway.
sso_answers: Table = tenant_table(
    "sso_answers",
    Column("digest", LargeBinary, nullable=False),
    instant("expires_at"),
    key=("digest",),
)
