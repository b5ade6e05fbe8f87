"""One search over orders, operations and master data: the same look-up that lists have, over each kind the caller sees.

Only what he reads is looked through, told of and counted: a text that is nowhere but in what is hidden from him finds
nothing, and row scopes are those of the lists.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from woaas_core.errors import InvalidLimit, Malformed, UnknownParameter
from woaas_core.ids import encode_id
from woaas_security.authz.access import Access
from woaas_security.authz.counting import best_rows, count_rows
from woaas_security.authz.listing import ListQuery
from woaas_security.authz.resource import Resource
from woaas_security.authz.searching import searched_fields
from woaas_security.principal import Principal
from woaas_work_orders.orders.resources import OPERATION, WORK_ORDER
from woaas_work_orders.resources.kinds import KINDS

if TYPE_CHECKING:
    from asyncpg import Record

    from woaas_core.db.unit_of_work import UnitOfWork

SEARCHED: dict[str, Resource] = {r.name: r for r in (WORK_ORDER, OPERATION, *(k.resource for k in KINDS))}
"""The kinds of objects that are searched, in the order in which equally good hits are told."""
MOST_HITS = 50
DEFAULT_HITS = 20
LONGEST = 200
_TITLES = ("title", "name")
_CODES = ("number", "code")
_AROUND = 40


class Highlight(NamedTuple):
    """Where in a field the text is: from ``start`` to before ``end`` of ``text``, which may be cut."""

    field: str
    text: str
    start: int
    end: int


class Hit(NamedTuple):
    """An object that was found; what the caller does not read of it is not there."""

    kind: str
    id: str
    shown: dict[str, Any]
    highlights: list[Highlight]


class Found(NamedTuple):
    """The best hits, and how many there are by kind and, where it is read, by state."""

    hits: list[Hit]
    kinds: dict[str, int]
    states: dict[str, int]


async def search(
    uow: "UnitOfWork", principal: Principal, q: str, *, kinds: Sequence[str] = (), limit: int = DEFAULT_HITS
) -> Found:
    """Look for a text, whatever its case, in all or some kinds of objects.

    Raises:
        Malformed: no text, or too long a one.
        InvalidLimit: not between 1 and `MOST_HITS`.
        UnknownParameter: a kind that is not searched, or not seen by the caller.
    """
    if not q.strip() or len(q) > LONGEST:
        msg = f"Search for 1 to {LONGEST} characters."
        raise Malformed(msg)
    if not 1 <= limit <= MOST_HITS:
        raise InvalidLimit
    query = ListQuery(q=q.strip(), limit=limit)
    ranked: list[tuple[int, Hit]] = []
    by_kind: dict[str, int] = {}
    by_state: dict[str, int] = {}
    for access in _accesses(principal, kinds):
        name = access.resource.name
        states = access.readable & {"state"}
        counts = await count_rows(uow, principal, access, query, by="state" if states else "")
        if not counts or not sum(counts.values()):
            continue
        by_kind[name] = sum(counts.values())
        for state, count in counts.items():
            if state is not None:
                by_state[state] = by_state.get(state, 0) + count
        rows = await best_rows(uow, principal, access, query)
        ranked += [(rank, _hit(principal, access, row, query.q)) for rank, row in rows]
    ranked.sort(key=lambda one: one[0])  # Stable: kinds stay in their order, rows newest first.
    return Found([hit for _, hit in ranked[:limit]], by_kind, by_state)


def _accesses(principal: Principal, kinds: Sequence[str]) -> list[Access]:
    """The access to each kind in which the caller may look for text."""
    found = {name: principal.access(resource) for name, resource in SEARCHED.items()}
    seen = {name: access for name, access in found.items() if "read" in access.actions and searched_fields(access)}
    for name in kinds:
        if name not in seen:
            msg = f"There is no kind {name!r} here."
            error = UnknownParameter(msg)
            error.is_denial = name in SEARCHED
            raise error
    return [access for name, access in seen.items() if not kinds or name in kinds]


def _hit(principal: Principal, access: Access, row: "Record", q: str) -> Hit:
    told = [f.name for f in access.resource.fields if f.searched or f.name in ("state", "work_order_id")]
    shown = principal.project(access, row, frozenset(told))
    texts = {f.name: shown.get(f.name) for f in searched_fields(access)}
    highlights = [h for name, text in texts.items() if isinstance(text, str) for h in _highlight(name, text, q)]
    told_of = {n: shown[n] for n in (*_CODES, "state", "work_order_id") if shown.get(n) is not None}
    title = next((shown[n] for n in _TITLES if shown.get(n) is not None), None)
    if title is not None:
        told_of["title"] = title
    return Hit(access.resource.name, encode_id(access.resource.prefix, row["id"]), told_of, highlights)


def _highlight(field: str, text: str, q: str) -> list[Highlight]:
    """The first place of a text in a field, with a little of what is around it."""
    lowered, wanted = text.lower(), q.lower()
    at = lowered.find(wanted) if len(lowered) == len(text) else -1
    if at < 0:
        return []
    first = max(0, at - _AROUND)
    cut = text[first : at + len(wanted) + _AROUND]
    return [Highlight(field, cut, at - first, at - first + len(wanted))]
