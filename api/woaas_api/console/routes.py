"""The console as handlers of the app: the pages whose operations this server has, and the live stream."""

from collections.abc import Iterable
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Stream

from woaas_api.answers import RawResponse
from woaas_api.console.door import Console
from woaas_api.console.live import Live
from woaas_api.console.page import Method, PageRoute
from woaas_api.console.pages import (
    account,
    applications,
    audit,
    billing,
    keys,
    market,
    members,
    oauth,
    order,
    orders,
    plan,
    recovery,
    roles,
    search,
    session,
    signing,
    sso,
    webhooks,
)
from woaas_api.console.public_api import PublicApi
from woaas_api.console.sign_on import SignOn, Step
from woaas_api.edge import Edge
from woaas_api.endpoint import Route
from woaas_api.static_files import StaticFiles

AnyRequest = Request[Any, Any, Any]
PAGES: tuple[PageRoute, ...] = (
    *(*session.PAGES, *recovery.PAGES, *account.PAGES),
    *oauth.PAGES,
    *(*orders.PAGES, *order.PAGES, *signing.PAGES),
    *search.PAGES,
    *plan.PAGES,
    *market.PAGES,
    *billing.PAGES,
    *audit.PAGES,
    *(*members.PAGES, *keys.PAGES, *applications.PAGES, *webhooks.PAGES, *roles.PAGES, *sso.PAGES),
)


def handlers(edge: Edge, routes: Iterable[Route], files: StaticFiles) -> list[HTTPRouteHandler]:
    """Every handler of the console, over the API's own routes."""
    console = Console(edge, PublicApi(routes), files)
    live = Live(edge)
    sign_on = SignOn(console)

    async def follow(request: AnyRequest) -> Stream:
        return await live.open(request)

    return [
        HTTPRouteHandler("/", http_method="GET", include_in_schema=False)(_front),
        *(_page_handler(console, p) for p in PAGES if all(console.api.has(needed) for needed in p.needs)),
        *(_sign_on_handler(method, path, step) for method, path, step in sign_on.steps()),
        HTTPRouteHandler("/console/live", http_method="GET", include_in_schema=False)(follow),
    ]


def _sign_on_handler(method: Method, path: str, step: Step) -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> RawResponse:
        return await step(request, request.path_params["key"])

    return HTTPRouteHandler(path, http_method=method, status_code=200, include_in_schema=False)(serve)


async def _front() -> Redirect:
    return Redirect("/console", status_code=303)


def _page_handler(console: Console, page: PageRoute) -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> RawResponse:
        return await console.serve(request, page)

    return HTTPRouteHandler(page.path, http_method=page.method, status_code=200, include_in_schema=False)(serve)
