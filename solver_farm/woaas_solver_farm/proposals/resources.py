"""How proposals and what they change are shown."""

from woaas_security.authz.resource import Field, Resource
from woaas_solver_farm.proposals.models import proposal_changes, proposals

PROPOSAL = Resource(
    "proposal",
    "prp",
    proposals,
    (
        Field("id", "id", prefix="prp"),
        Field("state", filterable=True),
        Field("run_id", "id", prefix="run"),
        Field("schedule_id", "id", prefix="sch", filterable=True),
        Field("baseline_schedule_id", "id", prefix="sch"),
        Field("causes", "json"),
        Field("exception_at", "instant", filterable=True),
        Field("response_time", "duration"),
        Field("reason"),
        Field("decided_by"),
        Field("decided_at", "instant", filterable=True),
        Field("created_at", "instant", filterable=True),
        Field("updated_at", "instant", tells_of_all=True),
        Field("version", "integer", tells_of_all=True),
    ),
    actions=frozenset({"accept", "reject"}),
)

PROPOSAL_CHANGE = Resource(
    "proposal_change",
    "prp",
    proposal_changes,
    (
        Field("operation_id", "id", prefix="op"),
        Field("work_order_id", "id", prefix="wo"),
        Field("old_work_center"),
        Field("new_work_center"),
        Field("old_operator"),
        Field("new_operator"),
        Field("old_start_at", "instant"),
        Field("old_end_at", "instant"),
        Field("new_start_at", "instant"),
        Field("new_end_at", "instant"),
    ),
)
