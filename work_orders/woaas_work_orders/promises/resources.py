"""How promises are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_work_orders.promises.models import promises

PROMISE = Resource(
    "promise",
    "prm",
    promises,
    (
        Field("id", "id", prefix="prm"),
        Field("mode", filterable=True),
        Field("state", filterable=True),
        Field("work_order", "json"),
        Field("product", filterable=True, searched=True),
        Field("priority", "integer", filterable=True),
        Field("due_at", "instant", filterable=True),
        Field("promised_at", "instant", filterable=True),
        Field("confidence"),
        Field("impacted", "json"),
        Field("places", "json"),
        Field("quote", "json"),
        Field("refusal", filterable=True),
        Field("run_id", "id", prefix="run"),
        Field("work_order_id", "id", prefix="wo", filterable=True),
        Field("expires_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"create", "release"}),
)
