"""Duration models: what closed operations taught about how long work takes."""

from typing import Any

from msgspec import UNSET

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.learning import DurationModelView
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.learning import service
from woaas_solver_farm.learning.inputs import ModelCommand, NewDurationModel
from woaas_solver_farm.learning.resources import DURATION_MODEL

TAG = "Scheduling"


def show_model(principal: Principal, row: Any) -> dict[str, Any]:
    """A version as the caller may see it."""
    return principal.show(principal.access(DURATION_MODEL), row)


@route("POST", "/duration-models", tag=TAG, status=202)
async def create_duration_model(call: Call, body: NewDurationModel) -> Answer[DurationModelView]:
    """Train a duration model now, in the background.

    It is put into force if it foretells the latest closed operations better than the model in force and the standard
    times do; `promote: false` leaves it a candidate. While a training waits, that one is answered.
    """
    row = await service.request(call.uow, call.principal, body)
    return Answer(show_model(call.principal, row), 202, f"/v1/duration-models/{encode_id('dmo', row['id'])}")


@route("GET", "/duration-models", tag=TAG)
async def list_duration_models(call: Call) -> Answer[Listed[DurationModelView]]:
    """List versions, newest first; `state=in_force` is the one plans use."""
    return await call.page(DURATION_MODEL)


@route("GET", "/duration-models/{key}", tag=TAG)
async def get_duration_model(call: Call, key: str) -> Answer[DurationModelView]:
    """Read a version with its errors on the hold-out."""
    row = await service.get(call.uow, call.principal, decode_id("dmo", key))
    return Answer(show_model(call.principal, row))


@route("POST", "/duration-models/{key}/promote", tag=TAG)
async def promote_duration_model(call: Call, key: str, body: ModelCommand) -> Answer[DurationModelView]:
    """Put a candidate into force; refused if it is no better."""
    return await _command(call, key, body, service.promote)


@route("POST", "/duration-models/{key}/rollback", tag=TAG)
async def rollback_duration_model(call: Call, key: str, body: ModelCommand) -> Answer[DurationModelView]:
    """Go back to a version that was in force before."""
    return await _command(call, key, body, service.rollback)


@route("POST", "/duration-models/{key}/retire", tag=TAG)
async def retire_duration_model(call: Call, key: str, body: ModelCommand) -> Answer[DurationModelView]:
    """Take the version in force out of it; plans then use standard times."""
    return await _command(call, key, body, service.retire)


async def _command(call: Call, key: str, body: ModelCommand, command: Any) -> Answer[DurationModelView]:
    model_id = decode_id("dmo", key)
    if call.request.headers.get("if-match"):
        row = await service.get(call.uow, call.principal, model_id, lock=True)
        call.require_match(lambda: show_model(call.principal, row))
    call.uow.reason = None if body.reason is UNSET else body.reason
    return Answer(show_model(call.principal, await command(call.uow, call.principal, model_id)))


ROUTES = (
    create_duration_model,
    list_duration_models,
    get_duration_model,
    promote_duration_model,
    rollback_duration_model,
    retire_duration_model,
)
