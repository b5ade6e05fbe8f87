"""What the door shows of keys and members."""

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_security.identity.inputs import MemberPatch, NewApiKey, NewMember
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
        Field("networks", "texts"),
        Field("created_by", "id", prefix="usr"),
        Field("replaces", "id", prefix="key"),
        Field("created_at", "instant", filterable=True),
        Field("expires_at", "instant", filterable=True),
        Field("revoked_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "revoke"}),
    writes=members_of(NewApiKey),
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
        Field("language"),
        Field("checkpoint_mail", "boolean"),
        Field("state", filterable=True),
        Field("email_verified_at", "instant"),
        Field("access_until", "instant", filterable=True),
        Field("version", "integer", tells_of_all=True),
        Field("created_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "suspend", "remove"}),
    writes=members_of(NewMember, MemberPatch),
)
