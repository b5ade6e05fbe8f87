"""How duration models are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_solver_farm.learning.models import duration_models

DURATION_MODEL = Resource(
    "duration_model",
    "dmo",
    duration_models,
    (
        Field("id", "id", prefix="dmo"),
        Field("model_version", "integer", filterable=True),
        Field("status", filterable=True),
        Field("state", filterable=True),
        Field("quantile"),
        Field("history", "duration"),
        Field("promote", "boolean"),
        Field("trained_from", "instant"),
        Field("trained_until", "instant"),
        Field("operations", "integer"),
        Field("holdout_operations", "integer"),
        Field("cells", "integer"),
        Field("errors", "json"),
        Field("error"),
        Field("created_at", "instant", filterable=True),
        Field("finished_at", "instant", filterable=True),
        Field("promoted_at", "instant", filterable=True),
        Field("retired_at", "instant"),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"create", "promote", "rollback", "retire"}),
)
