"""What applications call: token, revocation, introspection, userinfo, and the documents that tell of them all."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from woaas_api.answers import RawResponse
from woaas_api.edge import Edge, client_of
from woaas_api.oauth.metadata import metadata
from woaas_api.problems import as_domain_error, log, problem, request_id_of
from woaas_core.db.unit_of_work import UnitOfWork
from woaas_core.errors import DomainError, Forbidden, Internal, RateLimited, Unauthenticated
from woaas_core.ids import encode_id
from woaas_security.identity import service as identity
from woaas_security.oauth import service
from woaas_security.oauth.grants import person
from woaas_security.oauth.protocol import Reply
from woaas_security.oauth.service import Provider

AnyRequest = Request[Any, Any, Any]
Exchange = Callable[[UnitOfWork, Provider, list[tuple[str, str]], str | None], Awaitable[Reply]]
_FORM = "application/x-www-form-urlencoded"
_KEPT_FOR = "public, max-age=300"


def handlers(edge: Edge) -> list[HTTPRouteHandler]:
    """Every handler of the authorization server but its pages."""
    return [
        _exchange(edge, "/oauth/token", service.exchange),
        _exchange(edge, "/oauth/revoke", service.revoke),
        _exchange(edge, "/oauth/introspect", service.introspect),
        _by_post(),
        _userinfo(edge),
        _document("/.well-known/openid-configuration", lambda: metadata(edge.settings.url)),
        _document("/.well-known/oauth-authorization-server", lambda: metadata(edge.settings.url)),
        _document("/.well-known/jwks.json", lambda: edge.authorization_server.tokens.keys.published),
    ]


def _exchange(edge: Edge, path: str, run: Exchange) -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> RawResponse:
        # By its address alone: who knows an application's id must not be able to keep it out.
        visitor = edge.admission.visitor(None, client_of(request))
        try:
            await visitor.enter(path)
            pairs = await _form(request)
            if pairs is None:
                return _oauth_error("invalid_request", f"Send the parameters as {_FORM}.")
            async with edge.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                reply = await run(uow, edge.authorization_server, pairs, request.headers.get("authorization"))
            if reply.status >= 400 and isinstance(error := await visitor.failed(Unauthenticated()), RateLimited):
                return _failed(request, error)
        except Exception as error:  # noqa: BLE001, RUF100 - as at the edge of the API
            return _failed(request, error)
        return _json(reply.body, reply.status, reply.headers)

    return HTTPRouteHandler(path, http_method="POST", status_code=200, include_in_schema=False)(serve)


def _by_post() -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> RawResponse:
        pairs = await _form(request) or []
        return Response(b"", status_code=303, headers={"Location": f"/oauth/authorize?{urlencode(pairs)}"})

    # An application may send its request by a form (OpenID Connect Core §3.1.2.1); it is answered as one by a link.
    return HTTPRouteHandler("/oauth/authorize", http_method="POST", status_code=303, include_in_schema=False)(serve)


def _userinfo(edge: Edge) -> HTTPRouteHandler:
    async def serve(request: AnyRequest) -> RawResponse:
        try:
            async with edge.database.unit_of_work() as uow:
                uow.request_id = request_id_of(request)
                scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
                if scheme.lower() != "bearer":
                    raise Unauthenticated
                principal = await edge.authenticator.by_bearer(uow, token.strip(), client_of(request))
                if principal.kind != "user" or "openid" not in (principal.scopes or ()):
                    msg = "This takes a user's access token of scope openid."
                    raise Forbidden(msg)
                row = await identity.person_of(uow, principal.id)
                told = {"sub": encode_id("usr", principal.id), **person(principal.scopes or frozenset(), row)}
        except Exception as error:  # noqa: BLE001, RUF100 - as at the edge of the API
            return _failed(request, error)
        return _json(told, 200, {"Cache-Control": "no-store"})

    path = "/oauth/userinfo"
    return HTTPRouteHandler(path, http_method=["GET", "POST"], status_code=200, include_in_schema=False)(serve)


def _document(path: str, made: Callable[[], dict[str, Any]]) -> HTTPRouteHandler:
    async def serve() -> RawResponse:
        # Any page may read them: they hold nothing but what everybody may know.
        return _json(made(), 200, {"Cache-Control": _KEPT_FOR, "Access-Control-Allow-Origin": "*"})

    return HTTPRouteHandler(path, http_method="GET", include_in_schema=False)(serve)


async def _form(request: AnyRequest) -> list[tuple[str, str]] | None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await request.body()
    if kind != _FORM or request.url.query:
        return None
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return None


def _failed(request: AnyRequest, error: Exception) -> RawResponse:
    told, request_id = as_domain_error(error), request_id_of(request)
    if isinstance(told, Internal):
        log.error("api.oauth.failed", path=request.url.path, request_id=request_id, exc_info=error)
    response = problem(told, path=request.url.path, request_id=request_id)
    if told.status in (401, 403):
        response.headers["WWW-Authenticate"] = f'Bearer realm="woaas", error="{_bearer_error(told)}"'
    return response


def _bearer_error(told: DomainError) -> str:
    return "invalid_token" if told.status == 401 else "insufficient_scope"


def _oauth_error(error: str, description: str) -> RawResponse:
    return _json({"error": error, "error_description": description}, 400, {"Cache-Control": "no-store"})


def _json(body: dict[str, Any], status: int, headers: dict[str, str]) -> RawResponse:
    kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json", headers=kept)
