"""The whole wiring of the HTTP side on one page."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.params import FromPath

from woaas_api.answers import RawResponse
from woaas_api.console import routes as console
from woaas_api.edge import Edge
from woaas_api.endpoint import Route, options_handlers
from woaas_api.graph import graph_handlers
from woaas_api.health import health_handlers
from woaas_api.oauth import endpoints as oauth
from woaas_api.pages import page_handlers
from woaas_api.problems import MEDIA_TYPE, handle, pages, refuse_packed
from woaas_api.rest import (
    alerts,
    attachments,
    audit,
    billing,
    connectors,
    data_exports,
    duration_models,
    erasures,
    events,
    exports,
    external_entries,
    forecasts,
    identity,
    kpis,
    market,
    master_data,
    members,
    moves,
    oauth_clients,
    operations,
    permissions,
    pilots,
    planning,
    promises,
    proposals,
    schedules,
    search,
    sessions,
    signatures,
    sso_connections,
    tenant_deletion,
    webhook_endpoints,
    work_orders,
)
from woaas_api.static_files import StaticFiles
from woaas_core.clock import Clock
from woaas_core.db.database import Database
from woaas_core.db.tenancy import APP
from woaas_core.errors import NotFound
from woaas_core.settings import Settings
from woaas_security.sso.saml.verifier import Verifier

MAX_BODY_BYTES = 1 << 20
# Small answers gain nothing; streams would be held back; static files and bundles are packed already.
COMPRESSION = CompressionConfig(
    backend="brotli",
    brotli_quality=4,
    brotli_gzip_fallback=True,
    gzip_compress_level=5,
    minimum_size=1024,
    exclude=["^/static/", "/download$", "^/v1/schedule-runs/[^/]+/events$", "^/console/live$"],
)

ROUTES: tuple[Route, ...] = (
    *work_orders.ROUTES,
    *operations.ROUTES,
    *signatures.ROUTES,
    *attachments.ROUTES,
    *master_data.ROUTES,
    *schedules.ROUTES,
    *moves.ROUTES,
    *promises.ROUTES,
    *planning.ROUTES,
    *duration_models.ROUTES,
    *proposals.ROUTES,
    *forecasts.ROUTES,
    *market.ROUTES,
    *billing.ROUTES,
    *kpis.ROUTES,
    *connectors.ROUTES,
    *pilots.ROUTES,
    *alerts.ROUTES,
    *events.ROUTES,
    *webhook_endpoints.ROUTES,
    *audit.ROUTES,
    *identity.ROUTES,
    *oauth_clients.ROUTES,
    *sso_connections.ROUTES,
    *data_exports.ROUTES,
    *tenant_deletion.ROUTES,
    *exports.ROUTES,
    *search.ROUTES,
    *members.ROUTES,
    *sessions.ROUTES,
    *permissions.ROUTES,
    *erasures.ROUTES,
    *external_entries.ROUTES,
)


async def create_app(
    settings: Settings,
    *,
    readers: Collection[str] = (),
    clock: Clock | None = None,
    database: Database | None = None,
    verifier: Verifier | None = None,
) -> Litestar:
    """Connect and wire: the app owns the pool it opens and closes it at shutdown.

    ``readers`` are the names of the log's readers that ``Woaas-After`` waits for; ``verifier`` judges SAML answers.
    """
    own = database is None
    db = database or await Database.connect(
        settings.database_url, role=APP, size=settings.pool_size, clock=clock, pooler=settings.pooler_url
    )
    return app_over(Edge(settings, db, readers, verifier), owns_database=own)


def app_over(edge: Edge, *, owns_database: bool = False) -> Litestar:
    """The app around what its requests share."""

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        yield
        edge.saml.close()
        if owns_database:
            await edge.database.close()

    return Litestar(
        route_handlers=handlers(edge),
        lifespan=[lifespan],
        exception_handlers={Exception: handle},
        before_request=refuse_packed,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        compression_config=COMPRESSION,
    )


def handlers(edge: Edge) -> list[HTTPRouteHandler | WebsocketRouteHandler]:
    """Every handler, over one edge."""
    files = StaticFiles()
    return [
        *options_handlers(ROUTES),
        *(r.handler(edge) for r in ROUTES),
        *console.handlers(edge, ROUTES, files),
        problem_page,
        *health_handlers(edge),
        *page_handlers(files),
        *oauth.handlers(edge),
        *graph_handlers(edge, files),
    ]


@get("/problems/{code:str}", include_in_schema=False)
async def problem_page(code: FromPath[str], request: Request[Any, Any, Any]) -> Response[Any] | RawResponse:
    """The catalogue page of a problem type."""
    found = pages().get(code)
    if found is None:
        raise NotFound
    body = {"type": f"/problems/{code}", "code": code, "title": found.title, "status": found.status, "fix": found.hint}
    wants_json = "json" in request.headers.get("accept", "")
    if wants_json:
        return Response(body, media_type=MEDIA_TYPE.replace("problem+", ""))
    text = f"{found.title}\n\ncode: {code}\nstatus: {found.status}\n\n{found.hint}\n"
    return Response(text, media_type="text/plain")
