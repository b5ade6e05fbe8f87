"""Tables of proposals and of what each would change."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, Interval, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

proposals = tenant_table(
    "proposals",
    Column("id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    # The plan as it was proposed: published in another version it has been edited.
    Column("schedule_version", Integer, nullable=False),
    Column("baseline_schedule_id", Uuid, nullable=False),
    Column("causes", JSONB, nullable=False),
    instant("exception_at"),
    Column("response_time", Interval, nullable=False),
    Column("reason", Text),
    Column("decided_by", Text),
    instant("decided_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    ForeignKeyConstraint(["tenant_id", "schedule_id"], ["schedules.tenant_id", "schedules.id"]),
    ForeignKeyConstraint(["tenant_id", "baseline_schedule_id"], ["schedules.tenant_id", "schedules.id"]),
    tenant_index("proposals", "schedule_id", unique=True),
    tenant_index("proposals", "state"),
    tenant_index("proposals", "created_at"),
)

# The operations whose place, time or person is another; a side without a place is null.
proposal_changes = tenant_table(
    "proposal_changes",
    Column("proposal_id", Uuid, nullable=False),
    Column("operation_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("old_work_center", Text),
    Column("old_operator", Text),
    instant("old_start_at", nullable=True),
    instant("old_end_at", nullable=True),
    Column("new_work_center", Text),
    Column("new_operator", Text),
    instant("new_start_at", nullable=True),
    instant("new_end_at", nullable=True),
    ForeignKeyConstraint(["tenant_id", "proposal_id"], ["proposals.tenant_id", "proposals.id"]),
    key=("proposal_id", "operation_id"),
)
