"""Tables of work orders and their operations."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Index, Integer, Interval, LargeBinary, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table, trigram_index

work_orders = tenant_table(
    "work_orders",
    Column("id", Uuid, nullable=False),
    Column("number", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("template", Text),
    Column("title", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("unit", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    instant("due_at", nullable=True),
    instant("earliest_start_at", nullable=True),
    Column("customer", Text),
    Column("external_ref", Text),
    Column("custom_fields", JSONB, nullable=False),
    Column("site", Text),
    Column("line", Text),
    Column("steward", Text),
    Column("participants", ARRAY(Text), nullable=False),
    Column("data_class", Text),
    Column("export_controlled", Boolean, nullable=False),
    Column("asset", Text),
    Column("serial_number", Text),
    Column("rework_of", Uuid),
    instant("promised_at", nullable=True),
    # The reservation it took over.
    Column("promise_id", Uuid),
    Column("state", Text, nullable=False),
    # Where resume returns to; set only while held.
    Column("held_from", Text),
    Column("stage", Text),
    Column("stages", JSONB, nullable=False),
    Column("plan_status", Text, nullable=False),
    instant("released_at", nullable=True),
    instant("started_at", nullable=True),
    # The first completion; reopening leaves it, so it tells whether the order has been processed before.
    instant("completed_at", nullable=True),
    instant("closed_at", nullable=True),
    Column("request_hash", LargeBinary, nullable=False),
    # Whether anybody has ever signed it or one of its operations: what is not signed is not looked at again.
    Column("is_signed", Boolean, nullable=False, server_default="false"),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    tenant_index("work_orders", "number", unique=True),
    tenant_index("work_orders", "external_ref", unique=True),
    tenant_index("work_orders", "state", "due_at"),
    tenant_index("work_orders", "customer", "id"),
    tenant_index("work_orders", "product"),
    trigram_index("work_orders", "number", "title", "product", "customer", "external_ref", "serial_number"),
)

operations = tenant_table(
    "operations",
    Column("id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("held_from", Text),
    Column("work_centers", ARRAY(Text), nullable=False),
    Column("setup_time", Interval, nullable=False),
    Column("unit_time", Interval, nullable=False),
    Column("setup_group", Text),
    Column("skills", ARRAY(Text), nullable=False),
    # Null: whoever runs it sets it up; empty: nobody is needed for that.
    Column("setup_skills", ARRAY(Text)),
    Column("tool", Text),
    Column("materials", JSONB, nullable=False),
    Column("predecessors", ARRAY(Integer), nullable=False),
    Column("inspection_required", Boolean, nullable=False),
    Column("inspection_passed", Boolean),
    Column("sourcing", Text, nullable=False),
    Column("custom_fields", JSONB, nullable=False),
    Column("rework_of", Uuid),
    Column("operator", Text),
    Column("work_center", Text),
    Column("kitted", Boolean, nullable=False),
    Column("good", Numeric, nullable=False),
    Column("scrap", Numeric, nullable=False),
    Column("rework", Numeric, nullable=False),
    Column("plan_status", Text, nullable=False),
    Column("planned_work_center", Text),
    instant("planned_start_at", nullable=True),
    instant("planned_end_at", nullable=True),
    # The market contract that carries this operation out, and how far the partner says it is.
    Column("contract_id", Uuid),
    Column("external_state", Text),
    # The order's, said again: masks and row scopes of operations need no look at the order.
    Column("data_class", Text),
    Column("export_controlled", Boolean, nullable=False),
    instant("started_at", nullable=True),
    instant("ended_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    ForeignKeyConstraint(["tenant_id", "work_order_id"], ["work_orders.tenant_id", "work_orders.id"]),
    tenant_index("operations", "work_order_id", "sequence", unique=True),
    trigram_index("operations", "name"),
    Index(
        "ix_operations_open",
        "tenant_id",
        "state",
        postgresql_where="state IN ('pending', 'waiting', 'ready', 'running', 'suspended', 'held')",
    ),
    # What was made with a tool.
    Index("ix_operations_tool", "tenant_id", "tool", postgresql_where="tool IS NOT NULL"),
    # What a machine is set up for: its last operation with a set-up group or a tool that may have one.
    Index(
        "ix_operations_setup",
        "tenant_id",
        "work_center",
        "started_at",
        postgresql_where="started_at IS NOT NULL AND (setup_group IS NOT NULL OR tool IS NOT NULL)",
    ),
)

number_counters = tenant_table(
    "number_counters",
    Column("series", Text, nullable=False),
    Column("value", Integer, nullable=False),
    key=("series",),
)
