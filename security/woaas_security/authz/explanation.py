"""Why a caller sees what he sees: his masks in words and, for who may read policies, the lines that hide the rest."""

from typing import Any

from woaas_security.authz.access import Access
from woaas_security.authz.lines import ANY, GrantLine, PolicyLine, covers
from woaas_security.authz.policy import TenantPolicy


def explain(
    access: Access,
    policy: TenantPolicy,
    roles: frozenset[str],
    grants: tuple[GrantLine, ...] = (),
    *,
    names_lines: bool,
) -> dict[str, Any]:
    """What a caller has on a resource; with ``names_lines`` also each hidden field and why it is.

    A field without a line is hidden because nothing grants it.
    """
    resource = access.resource
    said: dict[str, Any] = dict(access.permissions())
    if names_lines:
        lines = policy.lines_about(roles, resource)
        named = {line.field for line in lines if line.field.partition(".")[0] in resource.open_fields}
        known = sorted(resource.names | named)
        hidden = [n for n in known if not access.reads(n.partition(".")[0], n.partition(".")[2])]
        # What may be a copy of another field is hidden by what hides that one, too.
        also = {f.name: f.tells_of for f in resource.fields if f.tells_of}
        said["hidden"] = {
            name: [_shown(line, policy) for line in lines if _hides(line, name) or _hides(line, also.get(name, name))]
            for name in hidden
        }
        said["grants"] = [str(g.purpose) for g in grants if g.resource == resource.name]
    return said


def _hides(line: PolicyLine, field: str) -> bool:
    return line.effect == "deny" and line.action in (ANY, "read") and covers(line.field, field)


def _shown(line: PolicyLine, policy: TenantPolicy) -> dict[str, Any]:
    return {**line._asdict(), "source": "tenant" if line in policy.own.lines else "built_in"}
