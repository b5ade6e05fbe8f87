"""The compiled mask says what Casbin's enforce() says, field by field and action by action, on random policies."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Text, Uuid

from woaas_core.ids import uuid7
from woaas_security.authz import policy as policies
from woaas_security.authz.compile import is_symbolic
from woaas_security.authz.lines import BuiltIn, GrantLine, OwnPolicy, PolicyLine
from woaas_security.authz.policy import PolicyCache, TenantPolicy
from woaas_security.authz.resource import Field, Resource

ROLES = ("one", "two", "three")
CUSTOM = ("own", "mixed")
FIELDS = ("id", "cost", "name", "note", "extra")
MEMBERS = ("extra.a", "extra.b,c")
ACTIONS = ("create", "release")
CLASSES = ("secret", "open")
TABLE = Table("things", MetaData(), Column("id", Uuid), Column("data_class", Text))
RESOURCES = {
    name: Resource(
        name,
        "x",
        TABLE,
        tuple(Field(f, "json" if f == "extra" else "text", is_open=f == "extra") for f in FIELDS),
        actions=frozenset(ACTIONS),
        writes=frozenset(FIELDS),
        data_class=TABLE.c.data_class,
    )
    for name in ("thing", "gadget", "loner")
}
FAMILIES = (("thing", "family"), ("gadget", "family"))


def lines(*fields: str) -> st.SearchStrategy[PolicyLine]:
    """Random lines over these fields."""
    return st.builds(
        PolicyLine,
        role=st.sampled_from([*ROLES, *CUSTOM, "stranger"]),
        resource=st.sampled_from(["*", "family", *RESOURCES, "unknown"]),
        field=st.sampled_from(fields),
        action=st.sampled_from(["*", "read", "write", "mask", *ACTIONS]),
        effect=st.sampled_from(["allow", "allow", "deny"]),
        data_class=st.sampled_from(["*", "*", "*", *CLASSES]),
    )


KNOWN = lines("*", *FIELDS, *MEMBERS, "hidden")
PATTERNS = lines("*", "cost", "n*", "no*", "extra")
GRANTS = st.builds(
    GrantLine,
    id=st.uuids(),
    to=st.sampled_from(["one", "key_x"]),
    resource=st.sampled_from(list(RESOURCES)),
    fields=st.lists(st.sampled_from(["cost", "note", "extra", "extra.a", "*"]), min_size=1, max_size=2).map(tuple),
    purpose=st.just("why"),
    expires_at=st.just(datetime(2030, 1, 1, tzinfo=UTC)),
)
INHERITS = st.fixed_dictionaries({r: st.frozensets(st.sampled_from(ROLES), max_size=2) for r in CUSTOM})


def assert_equal_to_enforce(
    policy: TenantPolicy, roles: frozenset[str], resource: Resource, grants: tuple[GrantLine, ...]
) -> None:
    """Every field, member, action and class: the compiled verdict and Casbin agree, and the mask is the verdict."""
    for data_class in (None, *CLASSES):
        verdict = policy.verdict(roles, resource, data_class, grants)
        said = {
            action: {n for n in verdict.universe if policy.enforce(roles, resource, n, action, data_class, grants)}
            for action in ("read", "mask", "write")
        }
        assert verdict[1:4] == (said["read"], said["mask"], said["write"])
        assert verdict.actions == {a for a in ACTIONS if policy.enforce(roles, resource, "*", a, data_class)}
        mask = policy.access(roles, resource, grants).of({"data_class": data_class})
        for name in verdict.universe:
            head, _, member = name.partition(".")
            if member:
                assert mask.reads(head, member) == (name in said["read"])
            elif name not in mask.members:
                whole = {n for n in verdict.universe if n == name or n.startswith(f"{name}.")}
                assert mask.reads(name) == (whole <= said["read"])
                assert (name in mask.writable) == (whole <= said["write"])
                assert (name in mask.masked) == (name in said["mask"] and not whole & said["read"])


@settings(max_examples=250, deadline=None)
@given(
    st.lists(KNOWN, max_size=12),
    st.lists(KNOWN, max_size=8),
    INHERITS,
    st.lists(GRANTS, max_size=2),
    st.frozensets(st.sampled_from([*ROLES, *CUSTOM, "nobody"]), min_size=1, max_size=3),
    st.sampled_from(list(RESOURCES)),
)
def test_the_mask_is_what_enforce_answers(
    built_in: list[PolicyLine],
    own: list[PolicyLine],
    inherits: dict[str, frozenset[str]],
    grants: list[GrantLine],
    roles: frozenset[str],
    resource: str,
) -> None:
    policy = TenantPolicy(
        BuiltIn(tuple(built_in), FAMILIES), OwnPolicy(tuple(own), inherits, grants=tuple(grants)), version=1
    )
    assert is_symbolic([*built_in, *own])
    assert_equal_to_enforce(policy, roles, RESOURCES[resource], tuple(grants))


@settings(max_examples=100, deadline=None)
@given(st.lists(PATTERNS, max_size=10), st.frozensets(st.sampled_from(ROLES), min_size=1))
def test_what_the_pass_does_not_know_is_asked_of_casbin(own: list[PolicyLine], roles: frozenset[str]) -> None:
    policy = TenantPolicy(BuiltIn((), FAMILIES), OwnPolicy(tuple(own)), version=1)
    assert_equal_to_enforce(policy, roles, RESOURCES["thing"], ())


def test_a_pattern_is_never_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(policies, "decide", unread)
    own = OwnPolicy((PolicyLine("one", "thing", "n*", "read"),))
    access = TenantPolicy(BuiltIn((), ()), own, version=1).access(frozenset({"one"}), RESOURCES["thing"])
    assert access.readable == {"name", "note"}


@settings(max_examples=100, deadline=None)
@given(st.lists(KNOWN, max_size=10), st.frozensets(st.sampled_from(ROLES), min_size=1))
def test_a_deny_wins_and_a_role_more_never_takes_an_allow_of_its_own(
    own: list[PolicyLine], roles: frozenset[str]
) -> None:
    policy = TenantPolicy(BuiltIn((), FAMILIES), OwnPolicy(tuple(own)), version=1)
    for resource in RESOURCES.values():
        access = policy.access(roles, resource)
        for line in own:
            hit = line.role in roles and line.resource in ("*", resource.name) and line.action in ("*", "read")
            if line.effect == "deny" and hit:
                assert not access.readable & (set(FIELDS) if line.field == "*" else {line.field})


def test_an_empty_policy_allows_nothing() -> None:
    access = TenantPolicy(BuiltIn((), ()), version=1).access(frozenset(ROLES), RESOURCES["thing"])
    assert (access.readable, access.masked, access.writable, access.actions) == (set(), set(), set(), set())


def test_a_cached_policy_is_only_used_at_its_version() -> None:
    cache = PolicyCache()
    tenant, other = uuid7(), uuid7()
    first = cache.put(tenant, 3, OwnPolicy())
    assert cache.find(tenant, 3) is first
    assert cache.find(tenant, 4) is None
    assert cache.find(tenant, 2) is None
    assert cache.find(other, 3) is None
    second = cache.put(tenant, 4, OwnPolicy((PolicyLine("planner", "work_order", "title", "read", "deny"),)))
    assert cache.find(tenant, 3) is None
    assert cache.find(tenant, 4) is second
    assert cache.find(other, 0) is cache.find(tenant, 0) is not None
