"""One search over everything that people look for by name."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from woaas_api.answers import Answer
from woaas_api.edge import Call
from woaas_api.endpoint import Query, route
from woaas_api.explanation import PARAMETER
from woaas_api.queries import check_nul
from woaas_core.errors import InvalidLimit, UnknownParameter
from woaas_work_orders.search import DEFAULT_HITS, MOST_HITS, SEARCHED, Hit, search

TAG = "Search"
_QUERY = (
    Query("q", "The text to look for, in any case of letters", is_required=True),
    Query("kinds", f"Kinds of objects, with commas: {', '.join(SEARCHED)}"),
    Query("limit", f"How many hits, 1 to {MOST_HITS}; {DEFAULT_HITS} unless said", type="integer"),
)


class HighlightView(Struct, kw_only=True):
    """Where the text is in a field: from character `start` to before `end` of `text`, which may be cut."""

    field: str
    text: str
    start: int
    end: int


class HitView(Struct, kw_only=True):
    """An object that was found: `number` of an order, `code` of master data, `title` as people call it."""

    kind: str
    id: str
    number: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    work_order_id: str | UnsetType = UNSET
    highlights: list[HighlightView]


class FacetsView(Struct, kw_only=True):
    """How many objects there are of each kind and in each state, beyond the hits that are told."""

    kind: dict[str, int]
    state: dict[str, int]


class FoundView(Struct, kw_only=True):
    """The best hits first: a whole number, code or name, then one that begins so, then the others, newest first."""

    data: list[HitView]
    facets: FacetsView


@route("GET", "/search", tag=TAG, query=_QUERY, name="search")
async def search_all(call: Call) -> Answer[FoundView]:
    """Search work orders, operations and master data.

    Only what the caller may read is looked through, told of and counted. To see more than the first hits ask the list
    of a kind with the same `q`.
    """
    asked = _asked(call.request.query_params.multi_items())
    kinds = [kind for kind in asked.get("kinds", "").split(",") if kind]
    found = await search(call.uow, call.principal, asked.get("q", ""), kinds=kinds, limit=_limit(asked.get("limit")))
    facets = {"kind": found.kinds, "state": found.states}
    return Answer({"data": [_show(hit) for hit in found.hits], "facets": facets})


def _asked(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    known = {one.name for one in _QUERY}
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known and name != PARAMETER:
            msg = f"There is no parameter {name!r} here."
            raise UnknownParameter(msg)
        check_nul(name, value)
        found[name] = value
    return found


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_HITS
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidLimit
    return int(text)


def _show(hit: Hit) -> dict[str, Any]:
    highlights = [one._asdict() for one in hit.highlights]
    return {"kind": hit.kind, "id": hit.id, **hit.shown, "highlights": highlights}


ROUTES = (search_all,)
