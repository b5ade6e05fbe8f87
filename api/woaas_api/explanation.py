"""``?explain=permissions`` on a GET: the answer with the masks it was made through."""

from dataclasses import dataclass, field, fields
from typing import Any

from woaas_core.errors import UnknownParameter
from woaas_security.authz.access import Access
from woaas_security.authz.explanation import explain
from woaas_security.authz.resource import Resource
from woaas_security.permissions.resources import FIELD_POLICY
from woaas_security.principal import Principal

PARAMETER = "explain"
_WANTED = "permissions"
MEMBER = "explanation"


@dataclass(frozen=True, slots=True)
class Watched(Principal):
    """A caller of whom it is noted which kinds of objects he was shown or refused."""

    consulted: dict[str, Resource] = field(default_factory=dict)

    def access(self, resource: Resource) -> Access:
        """What the caller has on a kind of object, which is noted."""
        self.consulted.setdefault(resource.name, resource)
        return Principal.access(self, resource)


def watch(principal: Principal) -> Watched:
    """The same caller, watched."""
    return Watched(**{f.name: getattr(principal, f.name) for f in fields(Principal)})


def is_asked(value: str | None) -> bool:
    """Whether a query string asks for it.

    Raises:
        UnknownParameter: it asks to explain something else.
    """
    if value is None:
        return False
    if value != _WANTED:
        msg = f"'explain' takes {_WANTED!r}."
        raise UnknownParameter(msg)
    return True


def explanation(caller: Watched) -> dict[str, Any]:
    """What the caller has on each kind that was consulted; lines are named to who may read policies only."""
    consulted = dict(caller.consulted)
    names_lines = Principal.access(caller, FIELD_POLICY).sees_anything
    return {
        name: explain(
            Principal.access(caller, resource), caller.policy, caller.roles, caller.grants, names_lines=names_lines
        )
        for name, resource in sorted(consulted.items())
        if names_lines or Principal.access(caller, resource).sees_anything
    }
