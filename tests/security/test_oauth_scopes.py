"""The table of scopes: it names everything, and only ever takes away."""

import pytest

import woaas_api.app  # noqa: F401 - loads every part, and with it every resource
from woaas_api.console.wishes import WISHES
from woaas_api.subjects import REGISTRY
from woaas_security.authz.lines import BuiltIn
from woaas_security.authz.policy import TenantPolicy
from woaas_security.oauth.scopes import API_SCOPES, FAMILIES, SCOPES, family_of, limited, split, told

POLICY = TenantPolicy(BuiltIn.read(), version=0)
ROLES = sorted({line.role for line in BuiltIn.read().lines})


def test_each_kind_of_object_is_in_one_family() -> None:
    """A kind that no family names is closed to applications: name it in `FAMILIES`."""
    assert {name for name in REGISTRY if name not in family_of()} == set()
    named = [resource for resources in FAMILIES.values() for resource in resources]
    assert len(named) == len(set(named))
    assert {name for name in named if name not in REGISTRY} <= {"master_data"}


@pytest.mark.parametrize("role", ROLES)
def test_scopes_leave_what_the_role_has_and_never_add(role: str) -> None:
    for name, resource in REGISTRY.items():
        full, family = POLICY.access(frozenset({role}), resource), family_of()[name]
        assert limited(full, frozenset({f"{family}:write"})) is full
        reading = limited(full, frozenset({f"{family}:read"}))
        assert (reading.readable, reading.masked) == (full.readable, full.masked), name
        assert not reading.writable
        assert reading.actions == ({"read"} if full.sees_anything else set()), name
        others = frozenset(API_SCOPES) - {f"{family}:read", f"{family}:write"}
        closed = limited(full, others | {"openid"})
        assert not closed.sees_anything
        assert not closed.actions


def test_what_a_consent_page_says() -> None:
    assert tuple(WISHES) == SCOPES
    assert told(["market:read", "market:write"]) == ["market:write"]
    assert told(split("openid market:read")) == ["openid", "market:read"]
    assert split(" market:read  openid openid evil ") == ("openid", "market:read", "evil")
