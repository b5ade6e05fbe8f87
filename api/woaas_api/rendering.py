"""From an endpoint's answer to bytes, before the commit, and from those to a response, after it."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from litestar import Response

from woaas_api.answers import Answer, RawResponse
from woaas_api.explanation import MEMBER, Watched, explanation
from woaas_core.conditional import encode, etag_of, is_known
from woaas_security.once import Rendered

if TYPE_CHECKING:
    from woaas_api.edge import Call


def render(call: "Call", answer: Answer[Any]) -> Rendered:
    """The answer as bytes, before the commit."""
    if isinstance(call.principal, Watched) and isinstance(answer.value, dict):
        answer.value = {MEMBER: explanation(call.principal), **answer.value}
    is_raw = isinstance(answer.value, bytes)
    body = answer.value if is_raw else b"" if answer.status == 204 else encode(answer.value)
    assert isinstance(body, bytes)
    headers = {"ETag": etag_of(body), **answer.headers}
    if answer.location:
        headers["Location"] = quote(answer.location)
    if call.uow.last_event_text:
        headers["Woaas-Event-Id"] = call.uow.last_event_text
    kept = None
    if answer.secret and isinstance(answer.value, dict):
        kept = encode({k: None if k in answer.secret else v for k, v in answer.value.items()})
    return Rendered(answer.status, headers, body, answer.media_type, kept)


def respond(call: "Call", rendered: Rendered) -> RawResponse:
    """What is sent of it: nothing where the caller has it already."""
    is_read = call.request.method == "GET"
    headers = {
        "X-Request-Id": call.uow.request_id or "",
        **rendered.headers,
        "Cache-Control": "private, no-cache" if is_read else "no-store",
    }
    status, body = rendered.status, rendered.body
    if is_read and is_known(call.request.headers.get("if-none-match"), headers["ETag"]):
        status, body = 304, b""
    return Response(body, status_code=status, media_type=rendered.media_type, headers=headers)
