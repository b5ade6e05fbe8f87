"""The compiled verdict: what one set of roles may see, write and do on one resource."""

from collections.abc import Callable, Iterable
from typing import Any

from woaas_core.db.statements import Row
from woaas_core.errors import FieldError, FieldForbidden, Forbidden, Invalid, UnknownField, UnknownParameter
from woaas_security.authz.resource import Field, Resource


class Access:
    """A frozen mask over a resource's fields with the allowed actions.

    ``readable`` excludes masked fields: neither may be filtered, sorted or grouped unless readable.
    """

    __slots__ = ("_by_name", "_masked_pointers", "_shown", "actions", "fingerprint", "masked", "readable", "resource",
                 "writable")  # fmt: skip

    def __init__(
        self,
        resource: Resource,
        *,
        readable: frozenset[str],
        masked: frozenset[str],
        writable: frozenset[str],
        actions: frozenset[str],
    ) -> None:
        self.resource = resource
        self.readable = readable
        self.masked = masked - readable
        self.writable = writable
        self.actions = actions
        self._by_name = {f.name: f for f in resource.fields}
        self._shown = tuple((f.name, f.source, f.renderer) for f in resource.fields if f.name in readable)
        self._masked_pointers = [f"/{f.name}" for f in resource.fields if f.name in self.masked]
        self.fingerprint = f"{resource.name}:{hash((readable, self.masked)):x}"

    @property
    def sees_anything(self) -> bool:
        """Whether any field is visible; without one the resource does not exist for the caller."""
        return bool(self.readable)

    @property
    def columns(self) -> list[str]:
        """The columns a SELECT needs for the visible fields: what is not fetched cannot leak."""
        return sorted({source for _, source, _ in self._shown} | {"id"})

    def permissions(self) -> dict[str, list[str]]:
        """The mask in words."""
        return {
            "readable": sorted(self.readable),
            "masked": sorted(self.masked),
            "writable": sorted(self.writable),
            "actions": sorted(self.actions),
        }

    def require(self, action: str) -> None:
        """Raise Forbidden unless the action is allowed."""
        if action not in self.actions:
            msg = f"Your role does not allow '{action}' on {self.resource.name.replace('_', ' ')}s."
            raise Forbidden(msg)

    def readable_field(self, name: str) -> Field:
        """The field, if the caller may read it.

        Raises:
            UnknownParameter: hidden, masked or missing, all alike.
        """
        if name not in self.readable:
            msg = f"There is no field {name!r} here."
            raise UnknownParameter(msg)
        return self._by_name[name]

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
        if pointers:
            for pointer in pointers:
                out[pointer[1:]] = None
            out["masked_fields"] = pointers
        return out

    def explain(self, refusal: Invalid) -> None:
        """Say of a body that does not fit what this caller may know; returns where the refusal is right as it is.

        Raises:
            FieldForbidden: the member is a field he sees, only not one to write.
            UnknownField: it is a field he cannot see: the answer for one that does not exist, whatever its value.
        """
        name = refusal.errors[0].pointer.removeprefix("/").partition("/")[0]
        visible = name in self.readable or name in self.masked
        if isinstance(refusal, UnknownField):
            if visible and refusal.errors[0].pointer == f"/{name}":
                error = FieldError(f"/{name}", "field_forbidden", "It is not written by a request.")
                raise FieldForbidden(errors=(error,))
        elif name in self._by_name and not visible:
            self.check_writable((name,))

    def check_writable(self, names: Iterable[str], *, at: str = "") -> None:
        """Refuse a body that names fields the caller may not write.

        Raises:
            UnknownField: a field the caller cannot even read: the answer for one that does not exist.
            FieldForbidden: a readable or masked field without write access.
        """
        refused = [n for n in names if n not in self.writable]
        if not refused:
            return
        hidden = [n for n in refused if n not in self.readable and n not in self.masked]
        if hidden:
            errors = tuple(FieldError(f"{at}/{n}", "unknown_field", f"There is no field {n!r} here.") for n in hidden)
            raise UnknownField(errors[0].detail, errors=errors[:1])
        raise FieldForbidden(
            errors=tuple(FieldError(f"{at}/{n}", "field_forbidden", "Your role may not write it.") for n in refused)
        )
