"""Tables of what happened: reports, inspections and receipts, all append-only."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Index, LargeBinary, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

reports = tenant_table(
    "reports",
    Column("id", Uuid, nullable=False),
    Column("operation_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("good", Numeric, nullable=False),
    Column("scrap", Numeric, nullable=False),
    Column("rework", Numeric, nullable=False),
    Column("scrap_reason", Text),
    Column("operator", Text),
    Column("work_center", Text),
    instant("started_at"),
    instant("ended_at"),
    Column("consumed", JSONB, nullable=False),
    Column("produced", JSONB, nullable=False),
    Column("external_ref", Text),
    # Who heard it from a machine; a person's has none.
    Column("connector", Text),
    # The report this one replaces; a replaced report stays and no longer counts.
    Column("corrects", Uuid),
    Column("request_hash", LargeBinary, nullable=False),
    instant("recorded_at"),
    ForeignKeyConstraint(["tenant_id", "operation_id"], ["operations.tenant_id", "operations.id"]),
    tenant_index("reports", "operation_id", "id"),
    # A correction may carry the reference of the report it replaces.
    Index("uq_reports_external_ref", "tenant_id", "external_ref", unique=True, postgresql_where="corrects IS NULL"),
    tenant_index("reports", "corrects", unique=True),
    tenant_index("reports", "ended_at"),
)

inspections = tenant_table(
    "inspections",
    Column("id", Uuid, nullable=False),
    Column("operation_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("note", Text),
    instant("recorded_at"),
    ForeignKeyConstraint(["tenant_id", "operation_id"], ["operations.tenant_id", "operations.id"]),
    tenant_index("inspections", "operation_id", "id"),
)

receipts = tenant_table(
    "receipts",
    Column("id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("lot", Text),
    Column("location", Text),
    instant("recorded_at"),
    ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    tenant_index("receipts", "work_order_id", "id"),
)
