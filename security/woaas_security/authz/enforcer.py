"""Casbin over a tenant's lines: what decides. Asked per field it is slow, so requests see its verdicts compiled."""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import casbin
from casbin.core_enforcer import EnforceContext
from casbin.persist import Adapter

from woaas_security.authz.lines import GrantLine, PolicyLine, covers

_GRANTS = EnforceContext("r2", "p2", "e2", "m2")


class Enforcer:
    """``enforce()`` for callers with several roles and grants."""

    def __init__(
        self,
        lines: Iterable[PolicyLine],
        families: Iterable[tuple[str, str]],
        inherits: Iterable[tuple[str, str]],
        grants: Iterable[GrantLine],
    ) -> None:
        model = casbin.Enforcer.new_model(text=files("woaas_security.authz").joinpath("model.conf").read_text())
        rules = [
            *(("p", "p", line) for line in dict.fromkeys(lines)),
            *(("p", "p2", (str(g.id), g.resource, field)) for g in grants for field in g.fields),
            *(("g", "g", pair) for pair in inherits),
            *(("g", "g2", pair) for pair in families),
        ]
        self._casbin = casbin.Enforcer(model, _Rules(rules))
        self._casbin.add_function("covers", covers)
        self._callers: set[str] = set()

    def enforce(
        self,
        roles: frozenset[str],
        grants: Iterable[GrantLine],
        resource: str,
        field: str,
        action: str,
        data_class: str | None = None,
    ) -> bool:
        """Whether a caller with these roles may, or a grant lets him read."""
        caller = f"caller {' '.join(sorted(roles))}"
        if caller not in self._callers:
            self._callers.add(caller)
            for role in roles:
                self._casbin.add_role_for_user(caller, role)
        if self._casbin.enforce(caller, resource, field, action, data_class or ""):
            return True
        return action == "read" and any(self._casbin.enforce(_GRANTS, str(g.id), resource, field) for g in grants)


class _Rules(Adapter):  # type: ignore[misc]  # casbin ships no types
    """Rules as they are: a name of a custom field may hold what Casbin's own text form reads as punctuation."""

    def __init__(self, rules: Iterable[tuple[str, str, Iterable[str]]]) -> None:
        self._rules = rules

    def load_policy(self, model: Any) -> None:
        for section, kind, rule in self._rules:
            model[section][kind].policy.append(list(rule))
