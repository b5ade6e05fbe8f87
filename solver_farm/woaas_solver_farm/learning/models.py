"""Tables of duration models and what each learned."""

from sqlalchemy import Boolean, Column, Double, ForeignKeyConstraint, Index, Integer, Interval, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from woaas_core.db.base import instant, tenant_index, tenant_table

# One row a version. `status` is the training's, `state` the model's: at most one is in force.
duration_models = tenant_table(
    "duration_models",
    Column("id", Uuid, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("quantile", Double, nullable=False),
    Column("history", Interval, nullable=False),
    Column("promote", Boolean, nullable=False),
    # Operations it learned from, whose last report ended in [trained_from, trained_until), and those after, which it
    # was measured on.
    instant("trained_from", nullable=True),
    instant("trained_until", nullable=True),
    Column("operations", Integer, nullable=False),
    Column("holdout_operations", Integer, nullable=False),
    Column("cells", Integer, nullable=False),
    Column("errors", JSONB),
    Column("error", Text),
    Column("requested_by", Text, nullable=False),
    instant("created_at"),
    instant("finished_at", nullable=True),
    instant("promoted_at", nullable=True),
    instant("retired_at", nullable=True),
    Column("version", Integer, nullable=False),
    instant("updated_at"),
    tenant_index("duration_models", "model_version", unique=True),
    Index("uq_duration_models_in_force", "tenant_id", unique=True, postgresql_where="state = 'in_force'"),
    Index("uq_duration_models_queued", "tenant_id", unique=True, postgresql_where="status = 'queued'"),
    tenant_index("duration_models", "created_at"),
)

# What a model knows of one kind of work. An empty product or work center stands for all of them. A run takes its time
# times the quantity to the power of the exponent; a set-up is known only where at least half of the operations
# reported one.
duration_estimates = tenant_table(
    "duration_estimates",
    Column("model_id", Uuid, nullable=False),
    Column("product", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("work_center", Text, nullable=False),
    Column("operations", Integer, nullable=False),
    Column("exponent", Double, nullable=False),
    Column("run_median_s", Double, nullable=False),
    Column("run_quantile_s", Double, nullable=False),
    # Of the time above to the standard time of a piece, over the operations that have one.
    Column("ratio_median", Double),
    Column("ratio_quantile", Double),
    Column("setups", Integer, nullable=False),
    Column("setup_median_s", Double),
    Column("setup_quantile_s", Double),
    ForeignKeyConstraint(["tenant_id", "model_id"], ["duration_models.tenant_id", "duration_models.id"]),
    key=("model_id", "product", "operation", "work_center"),
)
