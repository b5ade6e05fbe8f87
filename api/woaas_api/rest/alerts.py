"""Alerts: what needs a person, and nothing else."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.work_orders import View
from woaas_core.ids import decode_id
from woaas_core.wire import DurationText
from woaas_security.principal import Principal
from woaas_work_orders.alerts import repository, service
from woaas_work_orders.alerts.resources import ALERT
from woaas_work_orders.orders.inputs import CommandBody

TAG = "Figures"


class AlertView(View, kw_only=True):
    """Something that needs a person: `since` when, `why`, and where to look. It closes when its cause is gone.

    `kind` is `proposal_waiting`, `run_failed`, `order_late`, `order_overflow`, `work_center_down`, `plan_outdated` or
    `quantity_exceeded`; there will be others. `response_time` is from the exception to the plan that answers it.
    """

    kind: str | UnsetType = UNSET
    subject: str | UnsetType = UNSET
    work_order_id: str | None | UnsetType = UNSET
    state: str | UnsetType = UNSET
    why: str | UnsetType = UNSET
    links: list[str] | UnsetType = UNSET
    since: datetime | UnsetType = UNSET
    response_time: DurationText | None | UnsetType = UNSET
    acknowledged_by: str | None | UnsetType = UNSET
    acknowledged_at: datetime | None | UnsetType = UNSET
    closed_at: datetime | None | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    version: int | UnsetType = UNSET


def show_alert(principal: Principal, row: Any) -> dict[str, Any]:
    """An alert as the caller may see it."""
    return principal.show(principal.access(ALERT), row)


@route("GET", "/alerts", tag=TAG)
async def list_alerts(call: Call) -> Answer[Listed[AlertView]]:
    """List what needs a person, newest first; closed ones only where `state` is asked for."""
    if any(name.partition("[")[0] == "state" for name in call.request.query_params):
        return await call.page(ALERT)
    return await call.page(ALERT, where=[repository.still_standing()], values={"closed_state": "closed"})


@route("GET", "/alerts/{key}", tag=TAG)
async def get_alert(call: Call, key: str) -> Answer[AlertView]:
    """Read an alert, closed or not."""
    return Answer(show_alert(call.principal, await service.get(call.uow, call.principal, decode_id("alr", key))))


@route("POST", "/alerts/{key}/acknowledge", tag=TAG)
async def acknowledge_alert(call: Call, key: str, body: CommandBody) -> Answer[AlertView]:
    """Note that you have seen an alert; it stays until its cause is gone."""
    alert_id = decode_id("alr", key)
    if call.request.headers.get("if-match"):
        row = await service.get(call.uow, call.principal, alert_id, lock=True)
        call.require_match(lambda: show_alert(call.principal, row))
    call.uow.reason = None if isinstance(body.reason, UnsetType) else body.reason
    return Answer(show_alert(call.principal, await service.acknowledge(call.uow, call.principal, alert_id)))


ROUTES = (list_alerts, get_alert, acknowledge_alert)
