"""How webhook endpoints and deliveries are shown; of secrets only that there are two for a while."""

from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.webhooks.inputs import EndpointChange, NewEndpoint
from woaas_work_orders.webhooks.models import webhook_deliveries, webhook_endpoints

WEBHOOK_ENDPOINT = Resource(
    "webhook_endpoint",
    "whk",
    webhook_endpoints,
    (
        Field("id", "id", prefix="whk"),
        Field("name", filterable=True, searched=True),
        Field("url", filterable=True, searched=True),
        Field("events", "texts", filterable=True),
        Field("state", filterable=True),
        Field("disabled_reason", filterable=True),
        Field("owner", filterable=True),
        Field("previous_secret_expires_at", "instant"),
        Field("failing_since", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("archived_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"create", "update", "pause", "resume", "test", "rotate_secret", "archive"}),
    writes=members_of(NewEndpoint, EndpointChange),
)
WEBHOOK_DELIVERY = Resource(
    "webhook_delivery",
    "whd",
    webhook_deliveries,
    (
        Field("id", "id", prefix="whd"),
        Field("endpoint_id", "id", prefix="whk"),
        Field("event_id", "id", prefix="evt"),
        Field("event_type", filterable=True),
        Field("status", filterable=True),
        Field("attempts", "integer", filterable=True),
        Field("tries", "json"),
        Field("status_code", "integer", filterable=True),
        Field("error", filterable=True),
        Field("next_attempt_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant", filterable=True),
    ),
    actions=frozenset({"replay"}),
)
