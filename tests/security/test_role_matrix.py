"""What each built-in role may see, write and do, spelled out in a committed table: a change of policy is a diff of it.

``make contracts`` writes the table anew. One row for each resource's rows, fields and actions, one column a role: ``r``
reads, ``m`` sees that it is masked, ``w`` writes; ``all`` rows of the tenant or those of the resource's ``scope``.
"""

import csv
import io
import sys
from pathlib import Path

import woaas_api.app  # noqa: F401 - loads every part, and with it every resource
from woaas_api.subjects import RESOURCES
from woaas_security.authz.access import Access
from woaas_security.authz.lines import BuiltIn
from woaas_security.authz.policy import TenantPolicy
from woaas_security.authz.resource import Resource

MATRIX = Path(__file__).with_name("role_matrix.csv")
BUILT_IN = BuiltIn.read()
ROLES = tuple(dict.fromkeys(line.role for line in BUILT_IN.lines))
GUESTS = ("partner", "customer", "auditor")
FIELD_ACTIONS = {"read", "mask", "write"}


def resources() -> dict[str, Resource]:
    """Every resource of the platform by name, also those that ``/v1/me`` does not tell of."""
    parts = [vars(module) for name, module in sys.modules.items() if name.startswith("woaas_")]
    declared = [value for part in parts for value in part.values() if isinstance(value, Resource)]
    return {r.name: r for r in sorted({*RESOURCES, *declared}, key=lambda r: r.name)}


def rendered(built_in: BuiltIn = BUILT_IN) -> str:
    """The table of a policy as CSV."""
    policy = TenantPolicy(built_in, version=0)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("resource", "kind", "name", *ROLES))
    for name, resource in resources().items():
        seen = {role: policy.access(frozenset({role}), resource) for role in ROLES}
        table.writerow((name, "rows", "*", *(_rows(role, access) for role, access in seen.items())))
        for field in resource.fields:
            table.writerow((name, "field", field.name, *(_field(field.name, access) for access in seen.values())))
        for action in sorted(resource.actions):
            table.writerow((name, "action", action, *(_action(action, access) for access in seen.values())))
    return out.getvalue()


def _rows(role: str, access: Access) -> str:
    if not access.sees_anything:
        return "-"
    return "scope" if role in access.resource.scopes else "all"


def _field(name: str, access: Access) -> str:
    kinds = (("r", access.readable), ("m", access.masked), ("w", access.writable))
    return "".join(letter for letter, names in kinds if name in names) or "-"


def _action(name: str, access: Access) -> str:
    return "yes" if name in access.actions else "-"


def test_the_committed_table_is_the_policy_in_force() -> None:
    assert MATRIX.read_text().splitlines() == rendered().splitlines(), "run `make contracts` and commit the result"


def test_without_any_line_of_a_guest_the_table_is_another() -> None:
    """The table misses nothing of the policy, and the policy says nothing twice."""
    committed = MATRIX.read_text()
    for place, line in enumerate(BUILT_IN.lines):
        if line.role in GUESTS:
            fewer = BuiltIn(BUILT_IN.lines[:place] + BUILT_IN.lines[place + 1 :], BUILT_IN.families)
            assert rendered(fewer) != committed, line


def test_every_line_of_policy_names_what_there_is() -> None:
    """A misspelt deny would show what it was to hide."""
    known = resources()
    for name, _ in BUILT_IN.families:
        assert name in known
    for line in BUILT_IN.lines:
        meant = [known[name] for name, family in BUILT_IN.families if family == line.resource]
        meant += [r for r in known.values() if line.resource in ("*", r.name)]
        assert meant, line
        for resource in meant:
            assert line.field == "*" or line.field in {f.name for f in resource.fields}, line
            assert line.resource == "*" or line.action in {"*", *FIELD_ACTIONS, *resource.actions}, line
            assert line.field == "*" or line.action in FIELD_ACTIONS, line


def test_what_moves_with_every_change_is_declared_so() -> None:
    """Else it would tell who does not see all of an object that something hidden has changed."""
    for name, resource in resources().items():
        for field in resource.fields:
            if field.name in ("version", "updated_at"):
                # A price list's version is a number of its own, and so is a file's.
                assert field.tells_of_all == (name not in ("plan", "attachment")), (name, field.name)


if __name__ == "__main__":
    MATRIX.write_text(rendered())
