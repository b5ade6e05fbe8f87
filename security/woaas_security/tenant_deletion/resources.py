"""How the deletion of a tenant is shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_security.tenant_deletion.models import tenant_deletions

TENANT_DELETION = Resource(
    "tenant_deletion",
    "tdl",
    tenant_deletions,
    (
        Field("id", "id", prefix="tdl"),
        Field("state", filterable=True),
        Field("requested_by", "id", prefix="usr"),
        Field("requested_at", "instant", filterable=True),
        Field("delete_at", "instant", filterable=True),
        Field("cancelled_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "cancel"}),
)
