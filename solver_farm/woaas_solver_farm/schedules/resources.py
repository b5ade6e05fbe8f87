"""How runs, schedules and slots are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_solver_farm.schedules.models import schedule_runs, schedules, slots


def _param(name: str) -> Field:
    return Field(name, "json", column="params", render=lambda params: params.get(name))


SCHEDULE_RUN = Resource(
    "schedule_run",
    "run",
    schedule_runs,
    (
        Field("id", "id", prefix="run"),
        Field("kind", filterable=True),
        Field("status", filterable=True),
        Field("policy", filterable=True),
        *(_param(n) for n in ("weights", "horizon", "start_at", "frozen", "seed", "iterations", "work_orders")),
        *(_param(n) for n in ("policy_version", "scenario", "scenario_version", "baseline_schedule_id")),
        _param("include_forecast"),
        Field("time_limit", "duration"),
        Field("deadline", "instant"),
        Field("budget", "duration"),
        Field("priority", "integer", filterable=True),
        Field("attempt", "integer"),
        Field("progress"),
        Field("objective"),
        Field("bound"),
        Field("gap"),
        Field("metrics", "json"),
        Field("incumbents", "json"),
        Field("error"),
        Field("schedule_id", "id", prefix="sch"),
        Field("created_at", "instant", filterable=True),
        Field("started_at", "instant"),
        Field("finished_at", "instant", filterable=True),
    ),
    actions=frozenset({"create", "stop", "solve"}),
)

SCHEDULE = Resource(
    "schedule",
    "sch",
    schedules,
    (
        Field("id", "id", prefix="sch"),
        Field("state", filterable=True),
        Field("run_id", "id", prefix="run"),
        Field("policy", filterable=True),
        Field("policy_version", "integer", filterable=True),
        Field("scenario", filterable=True),
        Field("objective"),
        Field("metrics", "json"),
        Field("utilisation"),
        Field("baselines", "json"),
        Field("overflow", "json"),
        Field("start_at", "instant", filterable=True),
        Field("end_at", "instant", filterable=True),
        Field("frozen", "duration"),
        Field("published_at", "instant", filterable=True),
        Field("duration_model_version", "integer", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"move", "publish"}),
)

SLOT = Resource(
    "slot",
    "slt",
    slots,
    (
        Field("id", "id", prefix="slt"),
        Field("schedule_id", "id", prefix="sch"),
        Field("operation_id", "id", prefix="op", filterable=True),
        Field("work_order_id", "id", prefix="wo", filterable=True),
        Field("work_center", filterable=True),
        Field("operator", filterable=True),
        Field("setup_start_at", "instant", filterable=True),
        Field("start_at", "instant", filterable=True),
        Field("end_at", "instant", filterable=True),
        Field("outsourced", "boolean", filterable=True),
        Field("pinned", "boolean", filterable=True),
        Field("reasons", "texts"),
        Field("cause_operation_id", "id", prefix="op"),
        Field("duration_source", column="duration_samples", render=lambda n: "learned" if n else "standard"),
        Field("duration_samples", "integer"),
        Field("duration_model_version", "integer"),
    ),
    actions=frozenset({"pin", "unpin"}),
)
