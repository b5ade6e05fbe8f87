"""The compiled verdict: what one set of roles may see, write and do on one resource."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from woaas_core.db.statements import Row
from woaas_core.errors import FieldError, FieldForbidden, Forbidden, Invalid, UnknownField, UnknownParameter
from woaas_security.authz.compile import Verdict
from woaas_security.authz.members import members_in
from woaas_security.authz.resource import Field, Resource


class ClassRule(NamedTuple):
    """Whether a field is read in classes of data that no policy names, and those named where it is the other way."""

    usual: bool
    other: tuple[str, ...]


class Access:
    """A frozen mask over a resource's fields with the allowed actions.

    ``readable`` excludes masked fields: neither may be filtered, sorted or grouped unless readable. Where policies
    differ by the class of an object's data, this is what holds in every class, and ``of`` gives an object's own.
    """

    __slots__ = ("_by_class", "_by_name", "_masked_pointers", "_most", "_otherwise", "_reading", "_shown", "_verdicts",
                 "actions", "masked", "members", "readable", "resource", "writable")  # fmt: skip

    def __init__(self, resource: Resource, verdict: Verdict) -> None:
        members = {m.field: m for m in (members_in(f, verdict) for f in resource.open_fields) if m}
        mixed = {f for f, m in members.items() if not m.is_all_readable}
        readable = (resource.names & verdict.readable) - mixed
        readable -= {f.name for f in resource.fields if f.tells_of and f.tells_of not in readable}
        tellers = frozenset(f.name for f in resource.fields if f.tells_of_all)
        if resource.names - tellers - readable:
            readable -= tellers
        self.resource = resource
        self.readable = readable
        self.masked = (resource.names & verdict.masked) - verdict.readable - mixed
        self.writable = (resource.names & verdict.writable & resource.writes) - members.keys()
        self.members = {f: m for f, m in members.items() if m.is_seen}
        visible = readable or self.members
        self.actions = verdict.actions | {"read"} if visible else verdict.actions
        self._by_name = {f.name: f for f in resource.fields}
        self._shown = tuple((f.name, f.source, f.renderer) for f in resource.fields
                            if f.name in readable or f.name in self.members)  # fmt: skip
        self._masked_pointers = [f"/{f.name}" for f in resource.fields if f.name in self.masked]
        self._by_class: Mapping[str, Access] | None = None
        self._otherwise = self
        self._most = self
        self._verdicts: tuple[Verdict, ...] = (verdict,)
        self._reading: dict[frozenset[str], Access] = {}

    @classmethod
    def by_class(cls, resource: Resource, otherwise: Verdict, classes: Mapping[str, Verdict]) -> "Access":
        """The access where verdicts differ by data class; ``otherwise`` is that of classes not named."""
        every = [otherwise, *classes.values()]
        readable = frozenset.intersection(*(v.readable for v in every))
        seen = frozenset.intersection(*(v.readable | v.masked for v in every))
        writable = frozenset.intersection(*(v.writable for v in every))
        made = cls(resource, Verdict(otherwise.universe, readable, seen - readable, writable, otherwise.actions))
        made._verdicts = tuple(every)
        made._otherwise = cls(resource, otherwise)
        made._most = cls(resource, _union(every))
        made._by_class = {name: cls(resource, verdict) for name, verdict in classes.items()}
        if any(one.sees_anything for one in made._variants()):
            made.actions = made.actions | {"read"}
        return made

    def of(self, row: Row) -> "Access":
        """The access to one object; what every class allows where the row does not say its class."""
        if self._by_class is None:
            return self
        try:
            return self._by_class.get(row["data_class"], self._otherwise)
        except (KeyError, AttributeError):
            return self

    def at_most(self) -> "Access":
        """What is allowed in some class of data or other."""
        return self._most

    def each_class(self) -> "Mapping[str | None, Access]":
        """The access to the objects of each class of data; None is every class that no policy names."""
        found: dict[str | None, Access] = {None: self._otherwise}
        found.update(self._by_class or {})
        return found

    def shown_in_some_class(self) -> frozenset[str]:
        """The fields that some object or other shows, be it masked."""
        return frozenset().union(*(one.readable | one.masked | one.members.keys() for one in self._variants()))

    def masks_something(self) -> bool:
        """Whether an object may show that something of it is masked."""
        return any(one.masked or any(m.masked for m in one.members.values()) for one in self._variants())

    def reading(self, still: frozenset[str] = frozenset()) -> "Access":
        """What is left of it where nothing is written and no action taken but those ``still`` allowed."""
        if still not in self._reading:
            if self._by_class is None:
                left = Access(self.resource, _unwritten(self._verdicts[0], still))
            else:
                otherwise, *classes = (_unwritten(one, still) for one in self._verdicts)
                left = Access.by_class(self.resource, otherwise, dict(zip(self._by_class, classes, strict=True)))
            self._reading[still] = left
        return self._reading[still]

    @property
    def depends_on_class(self) -> bool:
        """Whether objects of different classes show differently."""
        return self._by_class is not None

    @property
    def sees_anything(self) -> bool:
        """Whether any field is visible; without one the resource does not exist for the caller."""
        return bool(self.readable or self.members) or (
            self._by_class is not None and any(one.sees_anything for one in self._variants() if one is not self)
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing of an object is hidden."""
        return self.readable == self.resource.names

    @property
    def columns(self) -> list[str]:
        """The columns a SELECT needs for the visible fields: what is not fetched cannot leak."""
        found = {source for one in self._variants() for _, source, _ in one._shown}  # noqa: SLF001 - of its own kind
        return sorted(found | {"id"})

    def class_rule(self, name: str, member: str = "") -> ClassRule | None:
        """Where a field is read, if that depends on the class of an object's data."""
        if self._by_class is None:
            return None
        usual = self._otherwise.reads(name, member)
        other = tuple(sorted(c for c, one in self._by_class.items() if one.reads(name, member) is not usual))
        return ClassRule(usual, other) if other else None

    def class_rules(self, columns: Iterable[str]) -> tuple[ClassRule | None, ...]:
        """The rules of columns: part of what a statement is known by."""
        if self._by_class is None:
            return ()
        return tuple(self.class_rule_of_column(c) for c in columns)

    def class_rule_of_column(self, column: str) -> ClassRule | None:
        """The rule of the one field that a column holds; what several fields or members share is masked when shown."""
        held = [f for f in self.resource.fields if f.source == column]
        return self.class_rule(held[0].name) if len(held) == 1 and not held[0].is_open else None

    def reads(self, name: str, member: str = "") -> bool:
        """Whether a field, or a member of an open one, is readable."""
        found = self.members.get(name) if member else None
        return found.reads(member) if found else name in self.readable

    def is_unsaid(self, name: str, member: str) -> bool:
        """Whether members of an open field differ for the caller, and no policy says anything of this one."""
        found = self._most.members.get(name) or self.members.get(name)
        return found is not None and f"{name}.{member}" not in found.named

    def permissions(self) -> dict[str, list[str]]:
        """The mask in words; members of open fields that differ from the rest are named."""
        named = self.members.values()
        return {
            "readable": sorted(self.readable.union(*(m.readable for m in named))),
            "masked": sorted(self.masked.union(*(m.masked - m.readable for m in named))),
            "writable": sorted(self.writable.union(*(m.writable for m in named))),
            "actions": sorted(self.actions),
        }

    def require(self, action: str) -> None:
        """Raise Forbidden unless the action is allowed."""
        if action not in self.actions:
            msg = f"Your role does not allow '{action}' on {self.resource.name.replace('_', ' ')}s."
            raise Forbidden(msg)

    def readable_field(self, name: str, member: str = "") -> Field:
        """The field, if the caller may read it in some class of data.

        Raises:
            UnknownParameter: hidden, masked or missing, all alike.
        """
        if not any(one.reads(name, member) for one in self._variants()):
            raise self.no_such_field(name, member)
        return self._by_name[name]

    def no_such_field(self, name: str, member: str = "") -> UnknownParameter:
        """What a query is told that names a field which is hidden, or missing."""
        is_known = member and (name in self.members or name in self._most.members)
        error = UnknownParameter(f"There is no field {f'{name}.{member}' if is_known else name!r} here.")
        error.is_denial = name in self._by_name
        return error

    def project(self, row: Row, only: frozenset[str] | None = None) -> dict[str, Any]:
        """The object as this caller may see it; masked fields are null and named in ``masked_fields``."""
        shown: Iterable[tuple[str, str, Callable[[Any], Any] | None]] = self._shown
        if only is not None:
            shown = [s for s in self._shown if s[0] in only]
        out: dict[str, Any] = {}
        for name, source, render in shown:
            value = row[source]
            out[name] = value if render is None or value is None else render(value)
        pointers = self._masked_pointers
        if pointers and only is not None:
            pointers = [p for p in pointers if p[1:] in only]
        for pointer in pointers:
            out[pointer[1:]] = None
        if self.members:
            pointers = pointers + self._mask_members(out)
        if pointers:
            out["masked_fields"] = pointers
        return out

    def explain(self, refusal: Invalid) -> None:
        """Say of a body that does not fit what this caller may know; returns where the refusal is right as it is.

        Raises:
            FieldForbidden: the member is a field he sees, only not one to write.
            UnknownField: it is a field he cannot see: the answer for one that does not exist, whatever its value.
        """
        name = refusal.errors[0].pointer.removeprefix("/").partition("/")[0]
        visible = self.is_known(name)
        if isinstance(refusal, UnknownField):
            if visible and refusal.errors[0].pointer == f"/{name}":
                error = FieldError(f"/{name}", "field_forbidden", "It is not written by a request.")
                raise FieldForbidden(errors=(error,))
        elif name in self._by_name and not visible:
            self.check_writable((name,))

    def check_writable(self, sent: Iterable[str], *, at: str = "") -> None:
        """Refuse a body that names fields the caller may not write; a mapping is also looked into.

        Raises:
            UnknownField: a field the caller cannot even read: the answer for one that does not exist.
            FieldForbidden: a readable or masked field without write access.
        """
        refused = [(f"/{n}", n, self.is_known(n)) for n in sent if n not in self.writable and n not in self.members]
        for name, members in self.members.items():
            if name in sent:
                value = sent[name] if isinstance(sent, Mapping) else None
                refused += [(f"/{name}/{m}", f"{name}.{m}", members.sees(m))
                            for m in (value or ()) if not members.writes(m)]  # fmt: skip
        if not refused:
            return
        for pointer, name, is_seen in refused:
            if not is_seen:
                detail = f"There is no field {name!r} here."
                error = UnknownField(detail, errors=(FieldError(f"{at}{pointer}", "unknown_field", detail),))
                error.is_denial = name.partition(".")[0] in self._by_name
                raise error
        raise FieldForbidden(
            errors=tuple(
                FieldError(f"{at}{p}", "field_forbidden", "Your role may not write it.") for p, _, _ in refused
            )
        )

    def written(self, before: Row, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes as they take effect: members of an open field that the caller may not set stay."""
        return {
            name: self.members[name].kept(before[name] or {}, value or {}) if name in self.members else value
            for name, value in changes.items()
        }

    def is_known(self, name: str) -> bool:
        """Whether the caller sees that there is such a field: readable, masked, or some of its members are."""
        return name in self.readable or name in self.masked or name in self.members

    def _variants(self) -> "Iterable[Access]":
        return (self,) if self._by_class is None else (self, self._otherwise, *self._by_class.values())

    def _mask_members(self, out: dict[str, Any]) -> list[str]:
        pointers: list[str] = []
        for name, members in self.members.items():
            if out.get(name) is not None:
                out[name], found = members.show(out[name])
                pointers += found
        return pointers


@cache
def no_access(resource: Resource) -> Access:
    """What is closed altogether."""
    return Access(resource, Verdict(*[frozenset()] * len(Verdict._fields)))


def _unwritten(verdict: Verdict, still: frozenset[str]) -> Verdict:
    return verdict._replace(writable=frozenset(), actions=verdict.actions & still)


def _union(verdicts: Sequence[Verdict]) -> Verdict:
    sets = (frozenset().union(*(verdict[i] for verdict in verdicts)) for i in range(len(Verdict._fields)))
    return Verdict(*sets)
