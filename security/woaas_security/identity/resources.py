"""What the door shows of keys and members."""

from woaas_security.authz.resource import Field, Resource
from woaas_security.identity.models import api_keys, users

API_KEY = Resource(
    "api_key",
    "key",
    api_keys,
    (
        Field("id", "id", prefix="key"),
        Field("name", searched=True),
        Field("key_id"),
        Field("roles", "texts", filterable=True),
        Field("customer", filterable=True),
        Field("scope", "json"),
        Field("created_at", "instant", filterable=True),
        Field("expires_at", "instant", filterable=True),
        Field("revoked_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "revoke"}),
    writes=frozenset({"name", "roles", "customer", "scope", "expires_at"}),
)

MEMBER = Resource(
    "member",
    "usr",
    users,
    (
        Field("id", "id", prefix="usr"),
        Field("email", searched=True),
        Field("name", searched=True),
        Field("roles", "texts", filterable=True),
        Field("customer"),
        Field("scope", "json"),
        Field("created_at", "instant", filterable=True),
    ),
    actions=frozenset({"create"}),
)
