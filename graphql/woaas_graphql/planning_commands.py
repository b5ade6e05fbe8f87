"""Mutations of questions to the planner, proposals, expected demand, duration models and alerts."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from woaas_core.ids import decode_id
from woaas_graphql import types
from woaas_graphql.mutations import Command, Verb
from woaas_solver_farm.inquiries.inputs import MoveRequest
from woaas_solver_farm.inquiries.requests import ask_move, ask_promise
from woaas_solver_farm.learning import service as learning
from woaas_solver_farm.learning.inputs import ModelCommand, NewDurationModel
from woaas_solver_farm.proposals import service as proposals
from woaas_solver_farm.proposals.inputs import AcceptBody, RejectBody
from woaas_solver_farm.schedules import service as schedules
from woaas_work_orders.alerts import service as alerts
from woaas_work_orders.forecasts import service as forecasts
from woaas_work_orders.forecasts.inputs import CancelForecast, NewForecast
from woaas_work_orders.orders.inputs import CommandBody
from woaas_work_orders.promises import service as promises
from woaas_work_orders.promises.inputs import NewPromise


async def _ask(c: Command[NewPromise]) -> Any:
    return await ask_promise(c.uow, c.principal, c.body)


async def _release(c: Command[CommandBody]) -> Any:
    promise_id = decode_id("prm", c.id)
    if c.if_match:
        row = await promises.get(c.uow, c.principal, promise_id, lock=True)
        c.match(lambda: types.PROMISE_KIND.node(c.principal, row).shown)
    c.because(c.body.reason)
    return await promises.release(c.uow, c.principal, promise_id)


async def _move(c: Command[MoveRequest]) -> Any:
    dry_run = c.body.dry_run is True
    schedule = await schedules.get_schedule(c.uow, c.principal, decode_id("sch", c.id), lock=not dry_run)
    c.match(lambda: types.SCHEDULE_KIND.node(c.principal, schedule).shown)
    return await ask_move(c.uow, c.principal, schedule, c.body, dry_run=dry_run)


def _decide(decide: Callable[..., Awaitable[Any]], description: str, struct: type[AcceptBody | RejectBody]) -> Verb:
    async def run(c: Command[Any]) -> Any:
        proposal_id = decode_id("prp", c.id)
        if c.if_match:
            row = await proposals.get(c.uow, c.principal, proposal_id)
            shown = await proposals.show(c.uow, c.principal, row)
            c.match(lambda: shown)
        c.because(c.body.reason)
        return await decide(c.uow, c.principal, proposal_id)

    return Verb(types.Proposal, run, description, struct)


async def _forecast(c: Command[NewForecast]) -> Any:
    return await forecasts.create(c.uow, c.principal, c.body)


async def _call_off(c: Command[CancelForecast]) -> Any:
    c.because(c.body.reason)
    return await forecasts.cancel(c.uow, c.principal, decode_id("fct", c.id))


async def _train(c: Command[NewDurationModel]) -> Any:
    return await learning.request(c.uow, c.principal, c.body)


def _model(command: Callable[..., Awaitable[Any]], description: str) -> Verb:
    async def run(c: Command[ModelCommand]) -> Any:
        model_id = decode_id("dmo", c.id)
        if c.if_match:
            row = await learning.get(c.uow, c.principal, model_id, lock=True)
            c.match(lambda: types.DURATION_MODEL_KIND.node(c.principal, row).shown)
        c.because(c.body.reason)
        return await command(c.uow, c.principal, model_id)

    return Verb(types.DurationModel, run, description, ModelCommand)


async def _acknowledge(c: Command[CommandBody]) -> Any:
    alert_id = decode_id("alr", c.id)
    if c.if_match:
        row = await alerts.get(c.uow, c.principal, alert_id, lock=True)
        c.match(lambda: types.ALERT_KIND.node(c.principal, row).shown)
    c.because(c.body.reason)
    return await alerts.acknowledge(c.uow, c.principal, alert_id)


PLANNING: Mapping[str, Verb] = {
    "promise_create": Verb(
        types.Promise,
        _ask,
        "Ask when an order could be done, or reserve it; read `promise` for the answer",
        NewPromise,
        takes_id=False,
    ),
    "promise_release": Verb(types.Promise, _release, "Give a reservation back", CommandBody),
    "schedule_move": Verb(
        types.Move,
        _move,
        "Move an operation in the plan `id`, or ask what it would mean; read `move` for the answer",
        MoveRequest,
    ),
    "proposal_accept": _decide(proposals.accept, "Publish the proposed plan", AcceptBody),
    "proposal_reject": _decide(proposals.reject, "Keep the plan in force and say why", RejectBody),
    "forecast_create": Verb(
        types.Forecast, _forecast, "Enter expected demand, or have it computed", NewForecast, takes_id=False
    ),
    "forecast_cancel": Verb(
        types.Forecast, _call_off, "Call off what is left of a forecast", CancelForecast, takes_match=False
    ),
    "duration_model_create": Verb(
        types.DurationModel, _train, "Train a duration model in the background", NewDurationModel, takes_id=False
    ),
    "duration_model_promote": _model(learning.promote, "Put a candidate into force; refused if it is no better"),
    "duration_model_rollback": _model(learning.rollback, "Go back to a version that was in force before"),
    "duration_model_retire": _model(learning.retire, "Take the version in force out of it; plans use standard times"),
    "alert_acknowledge": Verb(types.Alert, _acknowledge, "Note that you have seen an alert", CommandBody),
}
