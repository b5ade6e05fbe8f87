"""What the door shows of applications; of their secrets only that there are two for a while."""

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_security.oauth.inputs import ClientChange, NewClient
from woaas_security.oauth.models import oauth_clients

OAUTH_CLIENT = Resource(
    "oauth_client",
    "oac",
    oauth_clients,
    (
        Field("id", "id", prefix="oac"),
        Field("name", searched=True),
        Field("type", filterable=True),
        Field("first_party", "boolean", filterable=True),
        Field("redirect_uris", "texts"),
        Field("grant_types", "texts", filterable=True),
        Field("scopes", "texts", filterable=True),
        Field("roles", "texts", filterable=True),
        Field("customer", filterable=True),
        Field("scope", "json"),
        Field("previous_secret_expires_at", "instant"),
        Field("created_at", "instant", filterable=True),
        Field("archived_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "update", "rotate_secret", "archive"}),
    writes=members_of(NewClient, ClientChange),
)
