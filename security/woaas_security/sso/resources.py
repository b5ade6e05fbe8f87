"""How connections are shown; the secret never is."""

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_security.sso.inputs import FROM_METADATA, WRITE_ONLY, ConnectionPatch, NewConnection
from woaas_security.sso.models import sso_connections

SSO_CONNECTION = Resource(
    "sso_connection",
    "sso",
    sso_connections,
    (
        Field("id", "id", prefix="sso"),
        Field("name", searched=True),
        Field("protocol", filterable=True),
        Field("issuer", filterable=True),
        Field("client_id"),
        Field("sign_on_url"),
        Field("certificates", "texts"),
        Field("domains", "json"),
        Field("roles", "texts"),
        Field("role_claim"),
        Field("role_map", "json"),
        Field("enforced", "boolean", filterable=True),
        Field("enabled", "boolean", filterable=True),
        Field("version", "integer", tells_of_all=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
    ),
    actions=frozenset({"create", "update", "delete"}),
    writes=(members_of(NewConnection, ConnectionPatch) - WRITE_ONLY) | FROM_METADATA,
)
