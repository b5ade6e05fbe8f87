"""How connectors are shown."""

from woaas_core.ids import encode_id
from woaas_security.authz.resource import Field, Resource, members_of
from woaas_work_orders.connectors.inputs import ConnectorBody
from woaas_work_orders.connectors.models import connectors

# How following goes: written by the process that follows, in no version and no entry.
LIVE = frozenset(
    {"status", "last_message_at", "received", "applied", "withheld", "failed", "last_error", "last_error_at"}
)

CONNECTOR = Resource(
    "connector",
    "con",
    connectors,
    (
        Field("id", "id", prefix="con"),
        Field("code", filterable=True, searched=True),
        Field("kind", filterable=True),
        Field("name", filterable=True, searched=True),
        Field("broker", "json"),
        # Where machines publish on the own broker; the user name there, and in Sparkplug the group.
        Field("topic_root", column="id", render=lambda value: encode_id("con", value)),
        Field("sparkplug", "boolean", filterable=True),
        Field("stale_after", "duration"),
        Field("tags", "json"),
        Field("state", filterable=True),
        Field("status", filterable=True),
        Field("last_message_at", "instant", filterable=True),
        Field("received", "integer"),
        Field("applied", "integer"),
        Field("withheld", "integer"),
        Field("failed", "integer"),
        Field("last_error"),
        Field("last_error_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", filterable=True, tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"create", "enable", "disable", "test", "issue_credentials"}),
    writes=members_of(ConnectorBody),
)
