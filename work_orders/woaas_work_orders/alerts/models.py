"""The table of alerts."""

from sqlalchemy import Column, Index, Integer, Interval, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

# One row from when a cause is found until it is gone; the same cause later is another row.
alerts = tenant_table(
    "alerts",
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # What it is about, as the wire names it: an id or a code.
    Column("subject", Text, nullable=False),
    Column("work_order_id", Uuid),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("links", JSONB, nullable=False),
    # Since when the cause is there, which may be long before anybody could tell.
    instant("since"),
    # From an exception to the plan that answers it, where that is what the alert is about.
    Column("response_time", Interval),
    Column("acknowledged_by", Text),
    instant("acknowledged_at", nullable=True),
    instant("closed_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Index("uq_alerts_standing", "tenant_id", "kind", "subject", unique=True, postgresql_where="state <> 'closed'"),
    tenant_index("alerts", "created_at"),
)
