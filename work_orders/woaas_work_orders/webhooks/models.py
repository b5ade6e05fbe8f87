"""Tables of webhooks."""

from sqlalchemy import ARRAY, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

webhook_endpoints = tenant_table(
    "webhook_endpoints",
    Column("id", Uuid, nullable=False),
    Column("name", Text),
    Column("url", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("state", Text, nullable=False),
    Column("disabled_reason", Text),
    # Whose rights mask what is sent, as the wire names him; what came through an application has no more than its
    # scopes, and ends with it.
    Column("owner", Text, nullable=False),
    Column("owner_scopes", ARRAY(Text)),
    Column("owner_client", Uuid),
    # Sealed under the installation's secret: signing needs the secret itself.
    Column("secret", LargeBinary),
    Column("previous_secret", LargeBinary),
    instant("previous_secret_expires_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    instant("archived_at", nullable=True),
    # Since when nothing got through; written by what delivers, and no version counts it.
    instant("failing_since", nullable=True),
)

# One row for an event and an endpoint that wants it. `next_attempt_at` is null where nothing is due: it is over, or the
# endpoint is not sent anything now. A try that is under way has it at the end of its lease.
webhook_deliveries = tenant_table(
    "webhook_deliveries",
    Column("id", Uuid, nullable=False),
    Column("endpoint_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tries", JSONB, nullable=False),
    Column("status_code", Integer),
    Column("error", Text),
    instant("next_attempt_at", nullable=True),
    instant("created_at"),
    instant("finished_at", nullable=True),
    ForeignKeyConstraint(["tenant_id", "endpoint_id"], ["webhook_endpoints.tenant_id", "webhook_endpoints.id"]),
    tenant_index("webhook_deliveries", "endpoint_id", "event_id", unique=True),
    tenant_index("webhook_deliveries", "created_at"),
    Index(
        "ix_webhook_deliveries_due",
        "tenant_id",
        "endpoint_id",
        "next_attempt_at",
        "id",
        postgresql_where="next_attempt_at IS NOT NULL",
    ),
)
