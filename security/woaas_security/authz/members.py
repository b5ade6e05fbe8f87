"""Open fields member by member: what a caller sees and writes of ``custom_fields`` where its members differ."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from woaas_security.authz.compile import Verdict


class Members(NamedTuple):
    """The masks over one open field: of the members that policies name, and of all the rest.

    The names are dotted, as policies write them.
    """

    field: str
    named: frozenset[str]
    readable: frozenset[str]
    masked: frozenset[str]
    writable: frozenset[str]

    @property
    def is_all_readable(self) -> bool:
        """Whether nothing of it is hidden."""
        return self.field in self.readable and self.named <= self.readable

    @property
    def is_seen(self) -> bool:
        """Whether anything of it is shown at all."""
        return bool(self.readable or self.masked)

    def _has(self, names: frozenset[str], member: str) -> bool:
        dotted = f"{self.field}.{member}"
        return (dotted if dotted in self.named else self.field) in names

    def reads(self, member: str) -> bool:
        """Whether a member is shown."""
        return self._has(self.readable, member)

    def sees(self, member: str) -> bool:
        """Whether it is at least known to be there."""
        return self.reads(member) or self._has(self.masked, member)

    def writes(self, member: str) -> bool:
        """Whether it may be set."""
        return self._has(self.writable, member)

    def show(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """What of a value is shown, masked members null, and the pointers of these."""
        shown = {name: member if self.reads(name) else None for name, member in value.items() if self.sees(name)}
        return shown, [f"/{self.field}/{_escaped(name)}" for name in shown if not self.reads(name)]

    def kept(self, before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
        """The value after a write: what the caller may not set stays as it was."""
        return {n: v for n, v in before.items() if not self.writes(n)} | dict(sent)


def members_in(field: str, verdict: Verdict) -> Members | None:
    """The masks over an open field; None where what holds for it holds for each of its members."""
    named = frozenset(n for n in verdict.universe if n.startswith(f"{field}."))
    whole = named | {field}
    parts = [whole & names for names in verdict[1:4]]
    return Members(field, named, *parts) if any(0 < len(part) < len(whole) for part in parts) else None


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
