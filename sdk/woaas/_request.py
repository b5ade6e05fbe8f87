"""A call before it is made: what a resource's method describes and an executor sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Generic, TypedDict, TypeVar
from urllib.parse import quote

import msgspec

from . import _wire
from ._errors import ResponseFormatError

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Call(TypedDict, total=False):
    """What any writing call takes beside its body."""

    idempotency_key: str
    if_match: str


@dataclass(frozen=True)
class Request(Generic[T_co]):
    """One HTTP call and how to read its answer. `sink` receives the body of a download instead of memory."""

    method: str
    path: str
    decode: Callable[[httpx2.Response], T_co]
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool = True
    sink: BinaryIO | None = None

    def as_raw(self) -> Request[RawResponse[T_co]]:
        """The same call, answered by the response itself."""
        return self.read_as(lambda response: RawResponse(response, self.decode))

    def read_as(self, decode: Callable[[httpx2.Response], T]) -> Request[T]:
        """The same call, its answer read in another way."""
        return replace(self, decode=decode)  # type: ignore[arg-type,return-value]  # replace() keeps the old type


class RawResponse(Generic[T_co]):
    """The HTTP response of a call, and the object it holds on demand."""

    def __init__(self, response: httpx2.Response, decode: Callable[[httpx2.Response], T_co]) -> None:
        self.http_response = response
        self.status_code: int = response.status_code
        self.headers = response.headers
        self._decode = decode

    @property
    def request_id(self) -> str | None:
        """What to quote to support; the service logs it with every line of this request."""
        return self.headers.get("x-request-id")

    @property
    def is_replay(self) -> bool:
        """Whether an earlier request with the same idempotency key was answered already."""
        return bool(self.headers.get("idempotent-replayed") == "true")

    @property
    def content(self) -> bytes:
        """The body as it came."""
        return self.http_response.content

    def parse(self) -> T_co:
        """The object a plain call would have returned."""
        return self._decode(self.http_response)


def path(template: str, *parts: str | int) -> str:
    """A path with ids and codes put in its `{}`, percent-encoded."""
    return template.format(*(quote(str(part), safe="") for part in parts))


def read(where: str, into: Callable[[dict[str, object]], T], filters: Mapping[str, object] | None = None) -> Request[T]:
    """A GET of one object."""
    return Request("GET", where, lambda response: into(json_object(response)), query=_wire.query(filters or {}))


def write(
    method: str,
    where: str,
    into: Callable[[dict[str, object]], T],
    body: Mapping[str, object] | None = None,
    *,
    by_name: bool = True,
) -> Request[T]:
    """A call that changes something and answers the object.

    `idempotency_key` and `if_match` of the body become headers. An answer without a body reads as an empty object.
    """
    fields = dict(body or {})
    headers: dict[str, str] = {}
    for name, header in (("idempotency_key", "Idempotency-Key"), ("if_match", "If-Match")):
        value = fields.pop(name, None)
        if value is not None:
            headers[header] = str(value)
    return Request(
        method,
        where,
        lambda response: into(json_object(response)),
        content=msgspec.json.encode(_wire.encode(fields, by_name=by_name)),
        headers=headers,
    )


def post(where: str, into: Callable[[dict[str, object]], T], body: Mapping[str, object] | None = None) -> Request[T]:
    """A POST that answers one object."""
    return write("POST", where, into, body)


def text(where: str) -> Request[str]:
    """A GET of plain text."""
    return Request("GET", where, lambda response: response.text)


def delete(where: str) -> Request[None]:
    """A DELETE, answered by nothing."""
    return Request("DELETE", where, lambda response: None)


def json_object(response: httpx2.Response) -> dict[str, object]:
    """The JSON object of a response; an empty body is an empty object.

    Raises:
        ResponseFormatError: the body is something else.
    """
    if not response.content:
        return {}
    try:
        document = msgspec.json.decode(response.content)
    except msgspec.DecodeError as error:
        raise ResponseFormatError(f"{response.url} did not answer JSON: {response.text[:200]!r}") from error
    if not isinstance(document, dict):
        raise ResponseFormatError(f"{response.url} answered JSON that is not an object")
    return document
