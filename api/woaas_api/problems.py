"""Errors on the wire: RFC 9457 problem+json, from the one catalogue in ``woaas_core.errors``."""

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from woaas_core.db import refusals
from woaas_core.errors import (
    DomainError,
    IdempotencyInProgress,
    Internal,
    Malformed,
    NotFound,
    PayloadTooLarge,
    UnsupportedMediaType,
    catalogue,
)
from woaas_core.ids import encode_id, uuid7
from woaas_core.telemetry import logger

if TYPE_CHECKING:
    from woaas_api.answers import RawResponse

log = logger(__name__)
MEDIA_TYPE = "application/problem+json"


class MethodNotAllowed(DomainError):
    """A path that exists, with a method it does not have."""

    code = "method_not_allowed"
    title = "Method not allowed"
    status = 405
    hint = "The Allow header lists the methods of this path."


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The caller's X-Request-Id if it is a sane one, else ours; made once a request."""
    state = request.scope.setdefault("state", {})
    known = state.get("request_id")
    if known is None:
        sent = request.headers.get("x-request-id", "")
        sane = 0 < len(sent) <= 128 and sent.isascii() and sent.isprintable()
        known = state["request_id"] = sent if sane else encode_id("req", uuid7())
    return str(known)


def problem(error: DomainError, *, path: str, request_id: str) -> "RawResponse":
    """The response for an error."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "code": error.code,
        "request_id": request_id,
        **error.members,
    }
    if error.errors:
        body["errors"] = error.errors
    headers = {"X-Request-Id": request_id}
    if error.retry_after_s is not None or error.status in (429, 503) or isinstance(error, IdempotencyInProgress):
        headers["Retry-After"] = str(error.retry_after_s or 1)
    if error.status == 415:
        headers["Accept-Encoding"] = "identity"
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="woaas"'
    return Response(msgspec.json.encode(body), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


def refuse_packed(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that would have to be unpacked: what it costs is known when it is too late.

    Raises:
        UnsupportedMediaType: it is packed.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        msg = "Send the body as it is: no Content-Encoding is read."
        raise UnsupportedMediaType(msg)


def as_domain_error(error: Exception) -> DomainError:
    """What a caller is told about an exception, the framework's own among them."""
    return _of_http(error) if isinstance(error, HTTPException) else refusals.as_domain_error(error)


def _of_http(error: HTTPException) -> DomainError:
    match error.status_code:
        case 404:
            return NotFound()
        case 405:
            return MethodNotAllowed()
        case 413:
            return PayloadTooLarge()
        case status if 400 <= status < 500:
            return Malformed(error.detail or None)
        case _:
            return Internal()


def handle(request: Request[Any, Any, Any], error: Exception) -> "RawResponse":
    """Litestar's handler for everything raised outside the endpoint runner."""
    domain_error = as_domain_error(error)
    request_id = request_id_of(request)
    if isinstance(domain_error, Internal):
        log.error("api.request.failed", path=request.url.path, request_id=request_id, exc_info=error)
    response = problem(domain_error, path=request.url.path, request_id=request_id)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(dict(error.headers))
    return response


def pages() -> dict[str, type[DomainError]]:
    """Every problem code with its class: what ``/problems/<code>`` shows."""
    return catalogue()
