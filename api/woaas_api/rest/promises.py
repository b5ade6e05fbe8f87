"""Promises: when an order could be done, and capacity held for it."""

from typing import Any

from msgspec import UnsetType

from woaas_api.answers import Answer, Awaited, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.inquiries import PromiseView
from woaas_core.ids import decode_id, encode_id
from woaas_security.principal import Principal
from woaas_solver_farm.inquiries.requests import ask_promise
from woaas_work_orders.orders.inputs import CommandBody
from woaas_work_orders.promises import service
from woaas_work_orders.promises.inputs import NewPromise
from woaas_work_orders.promises.resources import PROMISE
from woaas_work_orders.promises.views import show

TAG = "Scheduling"


def show_promise(principal: Principal, row: Any) -> dict[str, Any]:
    """A promise as the caller may see it."""
    return show(principal, principal.access(PROMISE), row)


@route("POST", "/promises", tag=TAG, status=201, also=(202,))
async def create_promise(call: Call, body: NewPromise) -> Answer[PromiseView]:
    """Ask when an order could be done, from the published plan; `reserve` holds its capacity until `expires_at`.

    Material dates, skills, calendars and set-ups count. An order of priority 1 is asked as a rush: `impacted` are the
    orders it would push. `confidence` is the share of operations completed lately that missed their planned end by no
    more than this promise has to spare. Answered within two seconds, else 202 with `status`.
    """
    row = await ask_promise(call.uow, call.principal, body)
    location = f"/v1/promises/{encode_id('prm', row['id'])}"

    async def then(later: Call) -> Answer[Any]:
        found = await service.get(later.uow, later.principal, row["id"])
        return Answer(show_promise(later.principal, found), 201, location)

    accepted = {**show_promise(call.principal, row), "status": "queued"}
    return Answer(accepted, 202, location, awaited=Awaited(row["run_id"], encode_id("prm", row["id"]), then))


@route("GET", "/promises", tag=TAG)
async def list_promises(call: Call) -> Answer[Listed[PromiseView]]:
    """List promises, newest first."""
    return await call.page(PROMISE, show=lambda row: show_promise(call.principal, row))


@route("GET", "/promises/{key}", tag=TAG)
async def get_promise(call: Call, key: str) -> Answer[PromiseView]:
    """Read a promise; `state` is `pending` until the planner has answered."""
    return Answer(show_promise(call.principal, await service.get(call.uow, call.principal, decode_id("prm", key))))


@route("POST", "/promises/{key}/release", tag=TAG)
async def release_promise(call: Call, key: str, body: CommandBody) -> Answer[PromiseView]:
    """Give a reservation back; others may have its capacity at once."""
    promise_id = decode_id("prm", key)
    if call.request.headers.get("if-match"):
        row = await service.get(call.uow, call.principal, promise_id, lock=True)
        call.require_match(lambda: show_promise(call.principal, row))
    call.uow.reason = None if isinstance(body.reason, UnsetType) else body.reason
    return Answer(show_promise(call.principal, await service.release(call.uow, call.principal, promise_id)))


ROUTES = (create_promise, list_promises, get_promise, release_promise)
