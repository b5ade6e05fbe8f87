"""From policy lines to what a caller has on one resource, in one symbolic pass.

``enforce()`` walks every policy line, so asking it per field and row would cost seconds a page. This pass over the
lines of the caller's roles gives the same verdicts (a property test holds the two together) in microseconds. Lines
that it does not know how to read are never guessed at: then Casbin is asked, field by field, once.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from woaas_security.authz.lines import ANY, FIELD_ACTIONS, GrantLine, PolicyLine, covers
from woaas_security.authz.resource import Resource

_EFFECTS = ("allow", "deny")


class Verdict(NamedTuple):
    """The fields (members of open ones by their dotted names) and actions that a caller has, of all there are."""

    universe: frozenset[str]
    readable: frozenset[str]
    masked: frozenset[str]
    writable: frozenset[str]
    actions: frozenset[str]


Ask = Callable[[str, str], bool]
"""Whether an action on a field is allowed; ``*`` is the object as a whole."""


def universe_of(resource: Resource, named: Iterable[str]) -> frozenset[str]:
    """Every name a verdict is about: the resource's fields and the members of its open ones that lines name."""
    members = (n for n in named if n.partition(".")[0] in resource.open_fields and not n.endswith(ANY))
    return resource.names | frozenset(m for m in members if "." in m)


def is_symbolic(lines: Iterable[PolicyLine]) -> bool:
    """Whether the symbolic pass knows all that these lines say."""
    return all(line.effect in _EFFECTS and (line.field == ANY or ANY not in line.field) for line in lines)


def decide(
    resource: Resource, lines: Sequence[PolicyLine], universe: frozenset[str], data_class: str | None
) -> Verdict:
    """The verdict of lines already chosen by role and resource, for objects of a class (None: of no class named)."""
    whole = universe | {ANY}
    said: dict[tuple[str, str], set[str]] = {}
    for line in lines:
        if line.data_class in (ANY, data_class):
            field = line.field
            names = whole if field == ANY else {field} if field not in resource.open_fields else _within(field, whole)
            said.setdefault((line.action, line.effect), set()).update(names)

    def allowed(action: str) -> set[str]:
        allow = said.get((action, "allow"), set()) | said.get((ANY, "allow"), set())
        return allow - said.get((action, "deny"), set()) - said.get((ANY, "deny"), set())

    read, mask, write = (frozenset(universe & allowed(action)) for action in FIELD_ACTIONS)
    return Verdict(universe, read, mask, write, frozenset(a for a in resource.actions if ANY in allowed(a)))


def decide_asking(resource: Resource, universe: frozenset[str], ask: Ask) -> Verdict:
    """The same verdict by asking for each field and action."""
    read, mask, write = (frozenset(n for n in universe if ask(n, action)) for action in FIELD_ACTIONS)
    return Verdict(universe, read, mask, write, frozenset(a for a in resource.actions if ask(ANY, a)))


def add_grants(verdict: Verdict, grants: Iterable[GrantLine]) -> Verdict:
    """What grants open for reading over it; they lift a deny, since somebody has named the field, purpose and end."""
    opened = {name for grant in grants for field in grant.fields for name in verdict.universe if covers(field, name)}
    return verdict._replace(readable=verdict.readable | opened) if opened else verdict


def _within(field: str, names: Iterable[str]) -> set[str]:
    return {n for n in names if n == field or n.startswith(f"{field}.")}
