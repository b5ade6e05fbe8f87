"""How alerts are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_work_orders.alerts.models import alerts

ALERT = Resource(
    "alert",
    "alr",
    alerts,
    (
        Field("id", "id", prefix="alr"),
        Field("kind", filterable=True),
        Field("subject", filterable=True),
        Field("work_order_id", "id", prefix="wo", filterable=True),
        Field("state", filterable=True),
        Field("why"),
        Field("links", "json"),
        Field("since", "instant", filterable=True),
        Field("response_time", "duration"),
        Field("acknowledged_by"),
        Field("acknowledged_at", "instant", filterable=True),
        Field("closed_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"acknowledge"}),
)
