"""The public API as the pages use it: the same operations, called inside the page's own transaction.

A page has no other way to data, so it can neither show nor do what ``/v1`` would refuse its reader.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from litestar import Request

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Route
from woaas_core.errors import NotFound

_BASE = "/v1"


class Found(NamedTuple):
    """A route with the values of its path parameters."""

    route: Route
    parameters: dict[str, str]


class PublicApi:
    """The routes of the API, found by method and path as a client names them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            segments = route.path.split("/")
            self._routes.setdefault((route.method, len(segments)), []).append((segments, route))

    def has(self, operation: str) -> bool:
        """Whether this server has an operation such as ``GET /work-orders/{id}``; any parameter name fits."""
        method, _, path = operation.partition(" ")
        return self._find(method, path) is not None

    async def call(
        self,
        caller: Call,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer[Any]:
        """Run an operation for the caller in his transaction; its value has the wire's members.

        Raises:
            NotFound: no such operation, or what the operation itself raises.
        """
        found = self._find(method, path)
        if found is None:
            raise NotFound
        raw = b"" if body is None else msgspec.json.encode(body)
        inner = Call(caller.edge, _request(caller, found, path, query or {}), caller.uow, caller.principal, raw)
        arguments: dict[str, Any] = dict(found.parameters)
        if found.route.body is not None:
            arguments["body"] = inner.body(found.route.reads, found.route.writes)
        answer = await found.route.function(inner, **arguments)
        answer.value = msgspec.to_builtins(answer.value, builtin_types=(bytes, datetime, Decimal))
        return answer

    def _find(self, method: str, path: str) -> Found | None:
        segments = f"{_BASE}{path}".split("/")
        best: Found | None = None
        for pattern, route in self._routes.get((method, len(segments)), ()):
            parameters: dict[str, str] = {}
            for expected, given in zip(pattern, segments, strict=True):
                if expected.startswith("{"):
                    parameters[expected[1:-1]] = given
                elif expected != given:
                    break
            else:
                # A literal segment is meant before a parameter that would also take it.
                if best is None or len(parameters) < len(best.parameters):
                    best = Found(route, parameters)
        return best


def _request(caller: Call, found: Found, path: str, query: Mapping[str, str]) -> Request[Any, Any, Any]:
    """The request a client would have sent."""
    scope: Any = {
        **caller.request.scope,
        "method": found.route.method,
        "path": f"{_BASE}{path}",
        "raw_path": quote(f"{_BASE}{path}").encode(),
        "query_string": urlencode(query).encode(),
        "path_params": found.parameters,
        # Of the browser only by what it is known: conditional headers are the page's own affair.
        "headers": [(name, value) for name, value in caller.request.scope["headers"] if name == b"cookie"],
        "state": {"request_id": caller.uow.request_id},
    }
    return Request(scope)
