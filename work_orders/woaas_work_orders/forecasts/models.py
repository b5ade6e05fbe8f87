"""Tables of forecasts and their buckets."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

forecasts = tenant_table(
    "forecasts",
    Column("id", Uuid, nullable=False),
    # Of computing it: a given one is finished at once.
    Column("status", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    # By product: the method chosen and its error on the latest part of the history.
    Column("fits", JSONB, nullable=False),
    Column("error", Text),
    Column("requested_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("finished_at", nullable=True),
    instant("updated_at"),
    tenant_index("forecasts", "status"),
    tenant_index("forecasts", "created_at"),
)

# What is expected of one product in [start_at, end_at), and the virtual order that holds what no real one has used.
forecast_buckets = tenant_table(
    "forecast_buckets",
    Column("id", Uuid, nullable=False),
    Column("forecast_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("unit", Text, nullable=False),
    instant("start_at"),
    instant("end_at"),
    Column("quantity", Numeric, nullable=False),
    Column("consumed", Numeric, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    ForeignKeyConstraint(["tenant_id", "forecast_id"], ["forecasts.tenant_id", "forecasts.id"]),
    ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    tenant_index("forecast_buckets", "forecast_id"),
    tenant_index("forecast_buckets", "product", "state"),
    tenant_index("forecast_buckets", "work_order_id", unique=True),
)
