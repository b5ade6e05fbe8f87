"""The tenant: the boundary every row belongs to; and what its plan lets it use."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Interval, Table, Text, Uuid

from woaas_core.db.base import instant, metadata

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    # A sandbox is a tenant of its own beside the live one of the same organisation.
    Column("livemode", Boolean, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("plan", Text, nullable=False),
    # Raised with each policy change: masks compiled for an older version are never used again.
    Column("policy_version", BigInteger, nullable=False),
    # How many more orders may be released; null is without limit. Billing sets the level, release takes from it.
    Column("release_allowance", BigInteger),
    instant("created_at"),
    info={"tenant": True, "tenant_column": "id"},
)

# What a tenant on a plan may use of the solver; a sandbox is on ``test``. Everybody reads it, only migrations write it.
plan_limits = Table(
    "plan_limits",
    metadata,
    Column("plan", Text, primary_key=True),
    Column("run_time", Interval, nullable=False),
    # Over all threads of a run.
    Column("run_cpu_s", Integer, nullable=False),
    Column("runs_at_once", Integer, nullable=False),
)
