"""Forecasts: expected demand as virtual work orders."""

from typing import Any

from msgspec import UNSET

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.forecasts import ForecastDetail, ForecastView
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_work_orders.forecasts import repository, service
from woaas_work_orders.forecasts.inputs import CancelForecast, NewForecast
from woaas_work_orders.forecasts.resources import FORECAST, FORECAST_BUCKET

TAG = "Scheduling"


def show_forecast(principal: Principal, row: Any) -> dict[str, Any]:
    """A forecast as the caller may see it."""
    return principal.show(principal.access(FORECAST), row)


@route("POST", "/forecasts", tag=TAG, status=201, also=(202,))
async def create_forecast(call: Call, body: NewForecast) -> Answer[ForecastDetail]:
    """Enter expected demand, or have it computed from the orders so far.

    Given `buckets` become virtual work orders in state `forecast` at once (201); without them they are computed in the
    background (202). A newer forecast replaces what an older one expects of the same products in the same time.
    """
    row = await service.create(call.uow, call.principal, body)
    status = 202 if row["status"] == "queued" else 201
    return Answer(await _detail(call, row), status, f"/v1/forecasts/{encode_id('fct', row['id'])}")


@route("GET", "/forecasts", tag=TAG)
async def list_forecasts(call: Call) -> Answer[Listed[ForecastView]]:
    """List forecasts, newest first."""
    return await call.page(FORECAST)


@route("GET", "/forecasts/{key}", tag=TAG)
async def get_forecast(call: Call, key: str) -> Answer[ForecastDetail]:
    """Read a forecast with its buckets and what real orders have used up of them."""
    return Answer(await _detail(call, await service.get(call.uow, call.principal, decode_id("fct", key))))


@route("POST", "/forecasts/{key}/cancel", tag=TAG)
async def cancel_forecast(call: Call, key: str, body: CancelForecast) -> Answer[ForecastDetail]:
    """Call off what is left of a forecast: its virtual orders are cancelled."""
    forecast_id = decode_id("fct", key)
    if call.request.headers.get("if-match"):
        row = await service.get(call.uow, call.principal, forecast_id, lock=True)
        shown = await _detail(call, row)
        call.require_match(lambda: shown)
    call.uow.reason = None if body.reason is UNSET else body.reason
    return Answer(await _detail(call, await service.cancel(call.uow, call.principal, forecast_id)))


async def _detail(call: Call, row: Any) -> dict[str, Any]:
    shown = show_forecast(call.principal, row)
    access = call.principal.access(FORECAST_BUCKET)
    if access.sees_anything:
        shown["buckets"] = [call.principal.project(access, b) for b in await repository.buckets(call.uow, row["id"])]
    return shown


ROUTES = (create_forecast, list_forecasts, get_forecast, cancel_forecast)
