"""Tables of schedule runs, schedules, slots and requests to replan."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

ACTIVE = "status IN ('queued', 'solving', 'feasible')"

# The queue of the farm. A worker that claims a run raises its fence; whoever holds an older fence writes nothing.
schedule_runs = tenant_table(
    "schedule_runs",
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("policy", Text),
    Column("params", JSONB, nullable=False),
    # Of what the run would read and of what was asked: while both are equal, a second request is the same run.
    Column("snapshot_hash", LargeBinary, nullable=False),
    Column("params_hash", LargeBinary, nullable=False),
    Column("problem", LargeBinary),
    # Reasons known before the solve, by operation: material that is short.
    Column("notes", JSONB, nullable=False),
    # The duration model used, and by operation and work center how many operations its times were learned from.
    Column("durations", JSONB),
    Column("best", LargeBinary),
    Column("result", LargeBinary),
    Column("priority", Integer, nullable=False),
    Column("time_limit", Interval, nullable=False),
    instant("deadline", nullable=True),
    # What of the time limit is granted: the least of it, the plan's limits and the time to the deadline.
    Column("budget", Interval, nullable=False, server_default="15 minutes"),
    # CPU seconds used by all attempts, and those the tenant's share has been charged: an estimate while one runs.
    Column("cpu_s", Double, nullable=False, server_default="0"),
    Column("charged_s", Double, nullable=False, server_default="0"),
    instant("not_before"),
    Column("attempt", Integer, nullable=False),
    instant("lease_until", nullable=True),
    Column("fence", BigInteger, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Column("progress", Double, nullable=False),
    Column("objective", Double),
    Column("bound", Double),
    Column("gap", Double),
    Column("metrics", JSONB),
    Column("incumbents", JSONB, nullable=False),
    Column("error", Text),
    Column("schedule_id", Uuid),
    Column("requested_by", Text, nullable=False),
    instant("expires_at", nullable=True),
    instant("created_at"),
    instant("started_at", nullable=True),
    instant("finished_at", nullable=True),
    tenant_index("schedule_runs", "kind", "created_at"),
    Index(
        "uq_schedule_runs_active",
        "tenant_id",
        "kind",
        "snapshot_hash",
        "params_hash",
        unique=True,
        postgresql_where=ACTIVE,
    ),
    Index("ix_schedule_runs_queue", "tenant_id", "status", "id", postgresql_where=ACTIVE),
)

# Deficit round robin between tenants, in CPU seconds on one scale: ``round_s`` is where the round stood when the tenant
# was last served, ``spent_s`` how far its charges have taken it. The round stands where whoever was served last stood.
solver_shares = tenant_table(
    "solver_shares",
    Column("round_s", Double, nullable=False),
    Column("spent_s", Double, nullable=False),
    instant("served_at"),
    key=(),
)

schedules = tenant_table(
    "schedules",
    Column("id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("policy", Text),
    Column("policy_version", Integer),
    # The what-if it plans: such a schedule binds nobody, ever.
    Column("scenario", Text),
    Column("objective", Double),
    Column("metrics", JSONB, nullable=False),
    Column("utilisation", Double),
    # What plain rules would have made of the same problem: metrics, utilisation, operations placed otherwise.
    Column("baselines", JSONB, nullable=False, server_default="{}"),
    # Operations the plan has no good place for, with the reason.
    Column("overflow", JSONB, nullable=False),
    instant("start_at"),
    instant("end_at"),
    Column("frozen", Interval, nullable=False),
    instant("published_at", nullable=True),
    # The version of the duration model in force when it was made; null: standard times.
    Column("duration_model_version", Integer),
    Column("version", Integer, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["schedule_runs.tenant_id", "schedule_runs.id"]),
    CheckConstraint("scenario IS NULL OR state = 'scenario'", name="scenario_binds_nobody"),
    Index("uq_schedules_published", "tenant_id", unique=True, postgresql_where="state = 'published'"),
    tenant_index("schedules", "state"),
    tenant_index("schedules", "run_id"),
    # Which plan held at a moment.
    tenant_index("schedules", "published_at"),
)

# The migration adds that free places of one schedule never overlap on a work center; given ones (what runs, what is
# frozen) are facts and may.
slots = tenant_table(
    "slots",
    Column("id", Uuid, nullable=False),
    Column("schedule_id", Uuid, nullable=False),
    Column("operation_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("work_center", Text),
    Column("operator", Text),
    instant("setup_start_at"),
    instant("start_at"),
    instant("end_at"),
    Column("outsourced", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("reasons", ARRAY(Text), nullable=False),
    # The operation of the same schedule whose end it waited for.
    Column("cause_operation_id", Uuid),
    # From how many closed operations its length was learned; 0: the standard time.
    Column("duration_samples", Integer, nullable=False, server_default="0"),
    Column("duration_model_version", Integer),
    ForeignKeyConstraint(["tenant_id", "schedule_id"], ["schedules.tenant_id", "schedules.id"]),
    tenant_index("slots", "schedule_id", "operation_id", unique=True),
    tenant_index("slots", "schedule_id", "start_at"),
)

# When each order ends, here and under the plain rules; no end where an operation has no place. The due time is the one
# that was planned for: a scenario may have another than the order.
schedule_orders = tenant_table(
    "schedule_orders",
    Column("schedule_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    instant("due_at", nullable=True),
    instant("end_at", nullable=True),
    instant("fifo_end_at", nullable=True),
    instant("edd_end_at", nullable=True),
    ForeignKeyConstraint(["tenant_id", "schedule_id"], ["schedules.tenant_id", "schedules.id"]),
    key=("schedule_id", "work_order_id"),
)

# One row gathers delays until they are worth a new plan; then it names the run that answers them.
replan_requests = tenant_table(
    "replan_requests",
    Column("id", Uuid, nullable=False),
    Column("run_id", Uuid),
    Column("causes", JSONB, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    Index("uq_replan_requests_open", "tenant_id", unique=True, postgresql_where="run_id IS NULL"),
    tenant_index("replan_requests", "run_id"),
)
