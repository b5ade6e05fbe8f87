"""Policies and scenarios: what plans minimise, and what-ifs over the live plant."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import Route, route
from woaas_api.rest.master_data import master_routes
from woaas_api.rest.schedules import TAG
from woaas_core.wire import DurationText
from woaas_solver_farm.policies import POLICY, Goals
from woaas_solver_farm.scenarios import SCENARIO
from woaas_solver_farm.schedules import definitions


class PolicyView(Struct, kw_only=True):
    """What plans minimise under a policy, and what their runs are asked with; a preset has no id."""

    id: str | None
    code: str
    version: int
    name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    objective: Goals | UnsetType = UNSET
    horizon: DurationText | None | UnsetType = UNSET
    frozen: DurationText | None | UnsetType = UNSET
    time_limit: DurationText | None | UnsetType = UNSET
    archived_at: datetime | None | UnsetType = UNSET
    created_at: datetime | None | UnsetType = UNSET
    updated_at: datetime | None | UnsetType = UNSET
    livemode: bool | UnsetType = UNSET
    masked_fields: list[str] | UnsetType = UNSET


@route("GET", "/policies", tag=TAG, paging=())
async def list_policies(call: Call) -> Answer[Listed[PolicyView]]:
    """List the policies a plan can follow: the presets, then your own that are in use."""
    data = await definitions.policies(call.uow, call.principal)
    return Answer({"data": data, "next_cursor": None})


@route("GET", "/policies/{code}", tag=TAG)
async def get_policy(call: Call, code: str) -> Answer[PolicyView]:
    """Read a policy by code or id, a preset by its name."""
    return Answer(await definitions.policy(call.uow, call.principal, code))


_OWN = ("put_policy", "archive_policy", "list_policy_versions")
ROUTES: tuple[Route, ...] = (
    list_policies,
    get_policy,
    *(r for r in master_routes(POLICY, tag=TAG) if r.name in _OWN),
    *master_routes(SCENARIO, tag=TAG),
)
