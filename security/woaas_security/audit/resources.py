"""What permissions on the log are about."""

from woaas_core.events.log import event
from woaas_security.authz.resource import Field, Resource

_FIELDS = (
    Field("id", "id", prefix="evt"),
    Field("type", filterable=True),
    Field("subject", filterable=True),
    Field("work_order_id", "id", prefix="wo"),
    Field("actor", filterable=True),
    Field("recorded_at", "instant", filterable=True),
)
EVENT = Resource("event", "evt", event, _FIELDS)
AUDIT_ENTRY = Resource("audit_entry", "evt", event, (*_FIELDS, Field("payload", "text"), Field("openings", "json")))
AUDIT_EXPORT = Resource("audit_export", "axp", event, _FIELDS, actions=frozenset({"create"}))
