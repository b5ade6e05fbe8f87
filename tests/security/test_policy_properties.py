"""The compiled mask says what Casbin's enforce() says, field by field and action by action, on random policies."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Uuid

from woaas_core.ids import uuid7
from woaas_security.authz.policy import BuiltIn, PolicyCache, PolicyLine, TenantPolicy
from woaas_security.authz.resource import Field, Resource

ROLES = ("one", "two", "three")
FIELDS = ("id", "cost", "name", "note")
ACTIONS = ("create", "release")
TABLE = Table("things", MetaData(), Column("id", Uuid))
RESOURCES = {
    name: Resource(name, "x", TABLE, tuple(Field(f) for f in FIELDS), actions=frozenset(ACTIONS))
    for name in ("thing", "gadget", "loner")
}
FAMILIES = (("thing", "family"), ("gadget", "family"))

LINES = st.builds(
    PolicyLine,
    role=st.sampled_from([*ROLES, "stranger"]),
    resource=st.sampled_from(["*", "family", *RESOURCES, "unknown"]),
    field=st.sampled_from(["*", *FIELDS, "hidden"]),
    action=st.sampled_from(["*", "read", "write", "mask", *ACTIONS]),
    effect=st.sampled_from(["allow", "allow", "deny"]),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(LINES, max_size=12),
    st.lists(LINES, max_size=8),
    st.sets(st.sampled_from([*ROLES, "nobody"]), min_size=1),
)
def test_the_mask_is_what_enforce_answers(built_in: list[PolicyLine], own: list[PolicyLine], roles: set[str]) -> None:
    policy = TenantPolicy(BuiltIn(tuple(built_in), FAMILIES), own, version=1)
    for role in roles:
        policy.enforcer.add_role_for_user("caller", role)

    def enforced(resource: str, field: str, action: str) -> bool:
        return bool(policy.enforcer.enforce("caller", resource, field, action))

    for name, resource in RESOURCES.items():
        access = policy.access(frozenset(roles), resource)
        readable = {f for f in FIELDS if enforced(name, f, "read")}
        assert access.readable == readable
        assert access.writable == {f for f in FIELDS if enforced(name, f, "write")}
        assert access.masked == {f for f in FIELDS if enforced(name, f, "mask")} - readable
        allowed = {a for a in ACTIONS if enforced(name, "*", a)}
        assert access.actions == (allowed | {"read"} if readable else allowed)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=10), st.sets(st.sampled_from(ROLES), min_size=1))
def test_a_deny_wins_and_a_role_more_never_takes_an_allow_of_its_own(lines: list[PolicyLine], roles: set[str]) -> None:
    policy = TenantPolicy(BuiltIn((), FAMILIES), lines, version=1)
    for resource in RESOURCES.values():
        access = policy.access(frozenset(roles), resource)
        for line in lines:
            hit = line.role in roles and line.resource in ("*", resource.name) and line.action in ("*", "read")
            if line.effect == "deny" and hit:
                assert not access.readable & (set(FIELDS) if line.field == "*" else {line.field})


def test_an_empty_policy_allows_nothing() -> None:
    access = TenantPolicy(BuiltIn((), ()), version=1).access(frozenset(ROLES), RESOURCES["thing"])
    assert (access.readable, access.masked, access.writable, access.actions) == (set(), set(), set(), set())


def test_a_cached_policy_is_only_used_at_its_version() -> None:
    cache = PolicyCache()
    tenant, other = uuid7(), uuid7()
    first = cache.put(tenant, 3, [])
    assert cache.find(tenant, 3) is first
    assert cache.find(tenant, 4) is None
    assert cache.find(tenant, 2) is None
    assert cache.find(other, 3) is None
    second = cache.put(tenant, 4, [PolicyLine("planner", "work_order", "title", "read", "deny")])
    assert cache.find(tenant, 3) is None
    assert cache.find(tenant, 4) is second
    assert cache.find(other, 0) is cache.find(tenant, 0) is not None
