"""`client.graphql`: one document, for what REST would take several calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from woaas._errors import GraphQLError
from woaas._models import Model
from woaas._request import Request, json_object
from woaas._wire import encode

if TYPE_CHECKING:
    import httpx2


class GraphQLResult(Model):
    """`data`, and the errors of fields that could not be given."""

    data: dict[str, object] | None
    errors: list[object]


def document(query: str, variables: Mapping[str, object] | None) -> Request[GraphQLResult]:
    """The call of a document. One with a mutation is not repeated once it may have been carried out."""
    body: dict[str, object] = {"query": query}
    if variables:
        body["variables"] = encode(dict(variables), by_name=False)
    return Request(
        "POST", "/graphql", _result, content=msgspec.json.encode(body), is_repeatable="mutation" not in query
    )


def _result(response: httpx2.Response) -> GraphQLResult:
    raw = json_object(response)
    errors = raw.get("errors")
    if raw.get("data") is None and isinstance(errors, list) and errors:
        raise GraphQLError(errors)
    return GraphQLResult(raw)
