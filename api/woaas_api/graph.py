"""``/graphql``: the graph by POST, its explorer by GET, its subscriptions by WebSocket."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from woaas_api.answers import Answer, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.graph_socket import socket_handler
from woaas_api.limits import COST_UNITS_PER_TOKEN
from woaas_api.pages import library_page
from woaas_api.static_files import StaticFiles
from woaas_api.subjects import RESOURCES, SUBJECTS
from woaas_core.errors import DomainError
from woaas_graphql.context import Context
from woaas_graphql.execution import execute, read_request, refused
from woaas_graphql.persisted import PersistedQueries

PATH = "/graphql"
_DENIALS = ("forbidden", "field_forbidden")


def graph_handlers(edge: Edge, files: StaticFiles) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """The three handlers of the path."""
    persisted = PersistedQueries()

    async def endpoint(call: Call) -> Answer[Any]:
        request = read_request(call.raw_body)
        context = Context(
            call.uow, call.principal, call.prover, edge.cursors, SUBJECTS, RESOURCES, call.uow.request_id or ""
        )
        answer = await execute(request, context, persisted)
        call.charge(answer.get("extensions", {}).get("cost", {}).get("requested", 0) / COST_UNITS_PER_TOKEN)
        denied = next((e for e in answer.get("errors", ()) if e["extensions"]["code"] in _DENIALS), None)
        if denied is not None:
            call.note_denied(denied["extensions"]["code"])
        return Answer(answer)

    async def run(request: Request[Any, Any, Any]) -> RawResponse:
        return await edge.serve(request, endpoint, name="graphql", safe=False, refuse=_refuse)

    async def explorer() -> RawResponse:
        return library_page(files, "explorer", "WOaaS graph explorer")

    return [
        HTTPRouteHandler(PATH, http_method="POST", status_code=200, include_in_schema=False)(run),
        HTTPRouteHandler(PATH, http_method="GET", include_in_schema=False)(explorer),
        socket_handler(PATH, edge),
    ]


def _refuse(error: DomainError, *, path: str, request_id: str) -> RawResponse:
    """What a client of the graph can read where the request was not run at all; the status is REST's."""
    del path
    headers = {"X-Request-Id": request_id, "Cache-Control": "no-store"}
    if error.retry_after_s is not None or error.status in (429, 503):
        headers["Retry-After"] = str(error.retry_after_s or 1)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="woaas"'
    body = msgspec.json.encode(refused(error, request_id))
    return Response(body, status_code=error.status, media_type="application/json", headers=headers)
