"""Endpoints as values: a path, a function, and what its signature says, from which the OpenAPI is written too.

An endpoint function takes the ``Call``, its path parameters by name, and ``body`` if it reads one; it returns
``Answer[View]``. Modules under ``rest`` list theirs as ``ROUTES``; nothing is registered by importing.
"""

import inspect
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty

from woaas_api.answers import Answer, Listed, RawResponse
from woaas_api.edge import Call, Edge
from woaas_api.problems import request_id_of
from woaas_security.authz.resource import Resource

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Function = Callable[..., Awaitable[Answer[Any]]]
_PARAMETER = re.compile(r"{(\w+)}")

LIST = ("limit", "cursor", "sort", "q", "fields", "expand", "filters")
"""What lists of a resource read from the query string."""
FEED = ("limit", "cursor")
"""What feeds read."""


class Query(NamedTuple):
    """A query parameter that an endpoint reads itself, as the OpenAPI document describes it."""

    name: str
    description: str
    is_required: bool = False
    type: Literal["string", "integer", "boolean"] = "string"


@dataclass(frozen=True, eq=False)
class Route:
    """One operation of the API."""

    method: Method
    path: str
    function: Function
    status: int
    body: Any
    returns: Any
    is_list: bool
    tag: str
    name: str
    summary: str
    description: str
    parameters: tuple[str, ...]
    query: tuple[Query, ...] = ()
    paging: tuple[str, ...] = ()
    media_type: str = "application/json"
    also_media: tuple[str, ...] = ()
    max_body_bytes: int | None = None
    reads: Any = None
    writes: Resource | None = None
    also: tuple[int, ...] = ()
    reads_bytes: bool = False

    @property
    def is_safe(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET"

    def handler(self, edge: Edge) -> HTTPRouteHandler:
        """The Litestar handler that serves it."""

        async def endpoint(call: Call) -> Answer[Any]:
            arguments: dict[str, Any] = {name: call.path(name) for name in self.parameters}
            if self.body is not None:
                arguments["body"] = call.body(self.reads, self.writes)
            return await self.function(call, **arguments)

        async def serve(request: Request[Any, Any, Any]) -> RawResponse:
            return await edge.serve(request, endpoint, name=self.name, safe=self.is_safe)

        return self.registered(serve)

    def registered(self, serve: Callable[..., Awaitable[Any]]) -> HTTPRouteHandler:
        """A function as the Litestar handler of this path."""
        return HTTPRouteHandler(
            _litestar_path(self.path),
            http_method=self.method,
            # The answer says its own status; Litestar takes no function that returns one for a 204.
            status_code=200 if self.status == 204 else self.status,
            name=self.name,
            include_in_schema=False,
            opt={"route": self},
            request_max_body_size=Empty if self.max_body_bytes is None else self.max_body_bytes,
        )(serve)


def options_handlers(routes: Iterable[Route]) -> list[HTTPRouteHandler]:
    """What answers OPTIONS on each path with the methods it has.

    To be registered before the routes: Litestar makes one of its own with the first handler of a path, which tells of
    none that follow.
    """
    methods: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for one in routes:
        methods[one.path].add(one.method)
    return [_options_handler(path, ", ".join(sorted(allowed))) for path, allowed in methods.items()]


def _options_handler(path: str, allow: str) -> HTTPRouteHandler:
    async def options(request: Request[Any, Any, Any]) -> RawResponse:
        return Response(b"", status_code=204, headers={"Allow": allow, "X-Request-Id": request_id_of(request)})

    return HTTPRouteHandler(_litestar_path(path), http_method="OPTIONS", include_in_schema=False)(options)


def _litestar_path(path: str) -> str:
    return _PARAMETER.sub(r"{\1:str}", path)


def route(
    method: Method,
    path: str,
    *,
    tag: str,
    status: int = 200,
    name: str | None = None,
    query: Sequence[Query] = (),
    paging: tuple[str, ...] = LIST,
    media_type: str = "application/json",
    also_media: tuple[str, ...] = (),
    max_body_bytes: int | None = None,
    body: Any = None,
    writes: Resource | None = None,
    also: tuple[int, ...] = (),
) -> Callable[[Function], Route]:
    """Declare an endpoint under ``/v1``; its docstring becomes summary and description, its name the operation id.

    ``paging`` names the common parameters that a list reads, ``query`` describes its own; ``media_type`` is what it
    answers if not JSON, or ``also_media``. ``body`` describes a body that the function takes in a looser shape and
    reads on itself; ``writes`` is the resource whose fields a body holds; ``also`` are further statuses it answers in
    the same shape.
    """

    def declare(function: Function) -> Route:
        hints = get_type_hints(function)
        returned = get_args(hints["return"])[0]
        is_list = get_origin(returned) is Listed
        text = inspect.getdoc(function) or ""
        summary, _, description = text.partition("\n\n")
        return Route(
            method=method,
            path=f"/v1{path}",
            function=function,
            status=status,
            body=body or hints.get("body"),
            reads=hints.get("body"),
            writes=writes,
            also=also,
            returns=get_args(returned)[0] if is_list else returned,
            is_list=is_list,
            tag=tag,
            name=name or function.__name__,
            summary=" ".join(summary.split()).rstrip("."),
            description=description.partition("Raises:")[0].strip(),
            parameters=tuple(_PARAMETER.findall(path)),
            query=tuple(query),
            paging=paging if is_list else (),
            media_type=media_type,
            also_media=also_media,
            max_body_bytes=max_body_bytes,
        )

    return declare
