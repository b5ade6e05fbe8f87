"""How exports of a tenant's data are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_security.data_exports.models import data_exports

DATA_EXPORT = Resource(
    "data_export",
    "dxp",
    data_exports,
    (
        Field("id", "id", prefix="dxp"),
        Field("status", filterable=True),
        Field("requested_by", "id", prefix="usr"),
        Field("rows", "integer"),
        Field("sha256"),
        Field("size_bytes", "integer"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant"),
        Field("expires_at", "instant"),
    ),
    actions=frozenset({"create"}),
)
