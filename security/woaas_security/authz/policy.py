"""A tenant's policy: the built-in roles plus its own lines, evaluated by Casbin and compiled to masks.

``enforce()`` walks every policy line, so asking it per field and row would cost seconds a page. One symbolic
pass over the same lines gives the same verdicts (a property test holds the two together) in microseconds, once
per (policy version, roles, resource).
"""

import csv
from collections import OrderedDict
from collections.abc import Iterable
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID

import casbin
from casbin.persist import Adapter, load_policy_line

from woaas_security.authz.access import Access
from woaas_security.authz.resource import Resource

SYSTEM_ROLE = "system"
_KEPT_TENANTS = 2_000


class PolicyLine(NamedTuple):
    """``role`` may (or, with effect deny, may not) do ``action`` to ``field`` of ``resource``; ``*`` is any."""

    role: str
    resource: str
    field: str
    action: str
    effect: str = "allow"


class BuiltIn(NamedTuple):
    """The nine roles of the contract and the families of resources that share policy lines."""

    lines: tuple[PolicyLine, ...]
    families: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls) -> "BuiltIn":
        """From ``policy.csv`` beside this module."""
        text = files("woaas_security.authz").joinpath("policy.csv").read_text()
        rows = csv.reader(line for line in text.splitlines() if line and not line.startswith("#"))
        cells = [[cell.strip() for cell in row] for row in rows]
        return cls(
            lines=tuple(PolicyLine(*c[1:]) for c in cells if c[0] == "p"),
            families=tuple((c[1], c[2]) for c in cells if c[0] == "g2"),
        )


class TenantPolicy:
    """The policy of one tenant at one version."""

    def __init__(self, built_in: BuiltIn, own: Iterable[PolicyLine] = (), *, version: int) -> None:
        self.version = version
        self.enforcer = _enforcer([*built_in.lines, *own], built_in.families)
        self._lines: list[list[str]] = self.enforcer.get_policy()
        self._families = dict(built_in.families)
        self._compiled: dict[tuple[frozenset[str], str], Access] = {}

    def access(self, roles: frozenset[str], resource: Resource) -> Access:
        """The verdict for a set of roles, compiled on first use."""
        key = (roles, resource.name)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(roles, resource)
        return found

    def _compile(self, roles: frozenset[str], resource: Resource) -> Access:
        fields = frozenset(f.name for f in resource.fields)
        names = ("*", resource.name, self._families.get(resource.name))
        granted: dict[tuple[str, str], set[str]] = {}
        for sub, obj, field, action, effect in self._lines:
            if sub in roles and obj in names:
                granted.setdefault((action, effect), set()).update(fields | {"*"} if field == "*" else {field})

        def allowed(action: str) -> set[str]:
            allow = granted.get((action, "allow"), set()) | granted.get(("*", "allow"), set())
            return allow - granted.get((action, "deny"), set()) - granted.get(("*", "deny"), set())

        readable = fields & allowed("read")
        actions = {a for a in resource.actions if "*" in allowed(a)}
        return Access(
            resource,
            readable=readable,
            masked=fields & allowed("mask"),
            writable=fields & allowed("write"),
            actions=frozenset(actions | {"read"} if readable else actions),
        )


class PolicyCache:
    """Compiled policies of recently seen tenants; a new version of a tenant replaces the old one."""

    def __init__(self) -> None:
        self._built_in = BuiltIn.read()
        self._plain = TenantPolicy(self._built_in, version=0)
        self._kept: OrderedDict[UUID, TenantPolicy] = OrderedDict()

    def find(self, tenant_id: UUID, version: int) -> TenantPolicy | None:
        """The policy if it is known at exactly this version; version 0 has only the built-in roles."""
        if version == 0:
            return self._plain
        kept = self._kept.get(tenant_id)
        return kept if kept is not None and kept.version == version else None

    def put(self, tenant_id: UUID, version: int, own: Iterable[PolicyLine]) -> TenantPolicy:
        """Build and keep a tenant's policy from its own lines."""
        made = TenantPolicy(self._built_in, own, version=version)
        self._kept[tenant_id] = made
        self._kept.move_to_end(tenant_id)
        if len(self._kept) > _KEPT_TENANTS:
            self._kept.popitem(last=False)
        return made


class _Lines(Adapter):  # type: ignore[misc]  # casbin ships no types
    def __init__(self, lines: Iterable[PolicyLine], families: Iterable[tuple[str, str]]) -> None:
        self._texts = [", ".join(("p", *line)) for line in lines] + [f"g2, {a}, {b}" for a, b in families]

    def load_policy(self, model: object) -> None:
        for text in self._texts:
            load_policy_line(text, model)


def _enforcer(lines: Iterable[PolicyLine], families: Iterable[tuple[str, str]]) -> casbin.Enforcer:
    model = casbin.Enforcer.new_model(text=files("woaas_security.authz").joinpath("model.conf").read_text())
    return casbin.Enforcer(model, _Lines(lines, families))
