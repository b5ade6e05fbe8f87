"""Proposals: new plans that delays and breakdowns led to."""

from typing import Any

from msgspec import UNSET

from woaas_api.answers import Answer, Listed
from woaas_api.edge import Call
from woaas_api.endpoint import route
from woaas_api.rest.schemas.learning import ProposalDetail, ProposalView
from woaas_core.ids import decode_id
from woaas_security.principal import Principal
from woaas_solver_farm.proposals import service
from woaas_solver_farm.proposals.inputs import AcceptBody, RejectBody
from woaas_solver_farm.proposals.resources import PROPOSAL

TAG = "Scheduling"


def show_proposal(principal: Principal, row: Any) -> dict[str, Any]:
    """A proposal as the caller may see it."""
    return principal.show(principal.access(PROPOSAL), row)


@route("GET", "/proposals", tag=TAG)
async def list_proposals(call: Call) -> Answer[Listed[ProposalView]]:
    """List proposals, newest first; `state=open` are those to decide on."""
    return await call.page(PROPOSAL)


@route("GET", "/proposals/{key}", tag=TAG)
async def get_proposal(call: Call, key: str) -> Answer[ProposalDetail]:
    """Read a proposal: old and new times by operation and by order, and later how the orders really ended.

    `deviation_minutes` is the realised end minus the end in the plan that held.
    """
    row = await service.get(call.uow, call.principal, decode_id("prp", key))
    return Answer(await service.show(call.uow, call.principal, row))


@route("POST", "/proposals/{key}/accept", tag=TAG)
async def accept_proposal(call: Call, key: str, body: AcceptBody) -> Answer[ProposalView]:
    """Publish the proposed plan."""
    return await _decide(call, key, None if body.reason is UNSET else str(body.reason), service.accept)


@route("POST", "/proposals/{key}/reject", tag=TAG)
async def reject_proposal(call: Call, key: str, body: RejectBody) -> Answer[ProposalView]:
    """Keep the plan in force and say why."""
    return await _decide(call, key, body.reason, service.reject)


async def _decide(call: Call, key: str, reason: str | None, decide: Any) -> Answer[ProposalView]:
    proposal_id = decode_id("prp", key)
    if call.request.headers.get("if-match"):
        row = await service.get(call.uow, call.principal, proposal_id)
        shown = await service.show(call.uow, call.principal, row)
        call.require_match(lambda: shown)
    call.uow.reason = reason
    return Answer(show_proposal(call.principal, await decide(call.uow, call.principal, proposal_id)))


ROUTES = (list_proposals, get_proposal, accept_proposal, reject_proposal)
