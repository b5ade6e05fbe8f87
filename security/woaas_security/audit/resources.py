"""What permissions on the log are about."""

from woaas_core.events.log import event
from woaas_security.audit.models import audit_exports
from woaas_security.authz.resource import Field, Resource

_FIELDS = (
    Field("id", "id", prefix="evt"),
    Field("type", filterable=True),
    Field("subject", filterable=True),
    Field("work_order_id", "id", prefix="wo"),
    Field("actor", filterable=True),
    Field("reason", column="payload"),
    Field("recorded_at", "instant", filterable=True),
)
EVENT = Resource("event", "evt", event, _FIELDS)
AUDIT_ENTRY = Resource("audit_entry", "evt", event, (*_FIELDS, Field("payload", "text"), Field("openings", "json")))
AUDIT_EXPORT = Resource(
    "audit_export",
    "axp",
    audit_exports,
    (
        Field("id", "id", prefix="axp"),
        Field("status", filterable=True),
        Field("progress", column="status", render=lambda status: "1" if status == "finished" else "0"),
        Field("request", "json"),
        Field("first_index", "integer"),
        Field("end_index", "integer"),
        Field("sha256"),
        Field("size_bytes", "integer"),
        Field("error"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant"),
        Field("expires_at", "instant"),
    ),
    actions=frozenset({"create"}),
)
