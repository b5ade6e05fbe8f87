"""Query strings of lists: limit, cursor, sort, q, fields, expand and filters such as ``due_at[lt]=…``."""

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from woaas_api.explanation import PARAMETER
from woaas_core.errors import InvalidLimit, Malformed, UnknownParameter
from woaas_security.authz.access import Access
from woaas_security.authz.listing import DEFAULT_LIMIT, MAX_LIMIT, Filter, ListQuery

_FILTER = re.compile(r"([a-z_][a-z0-9_]*)(?:\.([^\[\]]{1,64}))?(?:\[([a-z]+)\])?")
_MAX_FILTERS = 20
_MAX_SEARCH = 200


class Asked(NamedTuple):
    """A list request taken apart."""

    query: ListQuery
    fields: frozenset[str] | None
    expand: frozenset[str]


class FeedAsked(NamedTuple):
    """What a feed is asked: how much, from where, and the endpoint's own parameters."""

    limit: int
    cursor: str | None
    own: dict[str, str]


def read_feed_query(pairs: Iterable[tuple[str, str]], own: Collection[str]) -> FeedAsked:
    """Read the query string of a feed, which knows limit, cursor and its own parameters only.

    Raises:
        UnknownParameter, InvalidLimit: see each.
    """
    known: dict[str, str] = {}
    for name, value in pairs:
        if name == PARAMETER:
            continue
        if name not in ("limit", "cursor", *own):
            msg = f"There is no parameter {name!r} here."
            raise UnknownParameter(msg)
        check_nul(name, value)
        known[name] = value
    limit, cursor = known.pop("limit", None), known.pop("cursor", None)
    return FeedAsked(_limit(limit), cursor or None, known)


def read_instant(text: str | None) -> datetime | None:
    """A time in a query string; None where it was not given.

    Raises:
        UnknownParameter: it has no zone or is none at all.
    """
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        msg = f"{text!r} is not an RFC 3339 time with its zone."
        raise UnknownParameter(msg) from None


def read_query(
    pairs: Iterable[tuple[str, str]], access: Access, *, expandable: Collection[str] = (), own: Collection[str] = ()
) -> Asked:
    """Read a list's query string; ``own`` are parameters that the endpoint reads itself.

    Raises:
        UnknownParameter, InvalidLimit: see each; a hidden field answers like one that does not exist.
    """
    filters: list[Filter] = []
    known: dict[str, str] = {}
    for name, value in pairs:
        check_nul(name, value)
        if name in ("limit", "cursor", "sort", "q", "fields", "expand"):
            known[name] = value
        elif name not in own and name != PARAMETER:
            filters.append(_filter(name, value))
    if len(filters) > _MAX_FILTERS:
        msg = f"At most {_MAX_FILTERS} filters at once."
        raise UnknownParameter(msg)
    if len(known.get("q", "")) > _MAX_SEARCH:
        msg = f"Search for at most {_MAX_SEARCH} characters."
        raise Malformed(msg)
    fields = frozenset(known["fields"].split(",")) if known.get("fields") else None
    for name in fields or ():
        if name not in access.masked and name not in access.members and name not in ("id", "livemode", *expandable):
            access.readable_field(name)
    expand = frozenset(known["expand"].split(",")) if known.get("expand") else frozenset()
    for name in expand:
        if name not in expandable:
            msg = f"{name!r} cannot be expanded here."
            raise UnknownParameter(msg)
    query = ListQuery(
        filters=tuple(filters),
        sort=tuple(known["sort"].split(",")) if known.get("sort") else (),
        q=known.get("q", ""),
        limit=_limit(known.get("limit")),
        cursor=known.get("cursor") or None,
    )
    return Asked(query, fields, expand)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= MAX_LIMIT:
        raise InvalidLimit
    return int(text)


def check_nul(name: str, value: str) -> None:
    """Refuse what no text in the database holds."""
    if "\x00" in value or "\x00" in name:
        msg = "Query parameters must not contain the NUL character."
        raise UnknownParameter(msg)


def _filter(name: str, value: str) -> Filter:
    match = _FILTER.fullmatch(name)
    if match is None:
        msg = f"There is no parameter {name!r} here."
        raise UnknownParameter(msg)
    return Filter(match[1], match[3] or "eq", value, match[2] or "")
