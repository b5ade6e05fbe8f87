"""The table of promises."""

from sqlalchemy import Column, Double, Index, Integer, Interval, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

promises = tenant_table(
    "promises",
    Column("id", Uuid, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The order as it was asked for.
    Column("work_order", JSONB, nullable=False),
    Column("product", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    instant("due_at", nullable=True),
    instant("promised_at", nullable=True),
    Column("confidence", Double),
    # Orders that would end at another time.
    Column("impacted", JSONB, nullable=False),
    # Where each operation would be done; while the promise is reserved, this is taken.
    Column("places", JSONB, nullable=False),
    Column("quote", JSONB),
    Column("refusal", Text),
    Column("run_id", Uuid, nullable=False),
    Column("work_order_id", Uuid),
    Column("hold_for", Interval, nullable=False),
    instant("expires_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    tenant_index("promises", "state"),
    tenant_index("promises", "run_id"),
    tenant_index("promises", "work_order_id"),
    Index("ix_promises_expiring", "tenant_id", "expires_at", postgresql_where="state = 'reserved'"),
)
