"""What a search finds: as REST tells it, with the counts as lists."""

from collections.abc import Mapping
from typing import Any

import strawberry

from woaas_work_orders.search import Found, Hit


@strawberry.type
class SearchHighlight:
    """Where the text is in a field: from character `start` to before `end` of `text`, which may be cut."""

    field: str | None
    text: str | None
    start: int | None
    end: int | None


@strawberry.type
class SearchHit:
    """An object that was found; what it has not, or what you may not read of it, is null."""

    kind: str | None
    id: strawberry.ID
    number: str | None
    code: str | None
    title: str | None
    state: str | None
    work_order_id: strawberry.ID | None
    highlights: list[SearchHighlight] | None


@strawberry.type
class SearchCount:
    """How many objects have a value."""

    value: str | None
    count: int | None


@strawberry.type
class SearchFacets:
    """How many objects there are of each kind and in each state, beyond the hits that are told."""

    kind: list[SearchCount] | None
    state: list[SearchCount] | None


@strawberry.type
class SearchResult:
    """The best hits first: a whole number, code or name, then one that begins so, then the others, newest first."""

    hits: list[SearchHit] | None
    facets: SearchFacets | None


def show_found(found: Found) -> dict[str, Any]:
    """What was found, as the graph shows it."""
    facets = {"kind": _counts(found.kinds), "state": _counts(found.states)}
    return {"hits": [_show(hit) for hit in found.hits], "facets": facets}


def _show(hit: Hit) -> dict[str, Any]:
    return {"kind": hit.kind, "id": hit.id, **hit.shown, "highlights": hit.highlights}


def _counts(facet: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"value": value, "count": count} for value, count in facet.items()]
