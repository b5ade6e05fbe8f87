"""Families of refresh tokens: whatever is tried in whatever order, only the last link of an unbroken chain is good."""

import asyncio

import pytest
from fixtures.app import Tenant
from fixtures.console import browser
from fixtures.oauth import Application, authorize, register, sign_in
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.anyio

Steps = list[tuple[str, int]]
NAMES = st.sampled_from(["refresh", "refresh", "refresh", "reuse", "steal", "revoke"])
STEPS = st.lists(st.tuples(NAMES, st.integers(0, 9)), max_size=7)


class Family:
    """What one sign-in has led to, and what should be so."""

    def __init__(self, app: Application, first: dict[str, str]) -> None:
        self.app = app
        self.refresh = [first["refresh_token"]]
        self.access = [first["access_token"]]
        self.is_alive = True


async def redeem(client: AsyncClient, app: Application, refresh: str) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    if app.secret is None:
        form["client_id"] = app.id
    found: dict[str, str] = (await app.post(client, "/oauth/token", form)).json()
    return found


async def take(client: AsyncClient, family: Family, thief: Application, step: tuple[str, int]) -> None:
    name, place = step
    match name:
        case "refresh":
            got = await redeem(client, family.app, family.refresh[-1])
            assert ("access_token" in got) is family.is_alive
            if family.is_alive:
                assert got["refresh_token"] not in family.refresh
                family.refresh.append(got["refresh_token"])
                family.access.append(got["access_token"])
            else:
                assert got["error"] == "invalid_grant"
        case "reuse" if len(family.refresh) > 1:
            old = family.refresh[place % (len(family.refresh) - 1)]
            assert (await redeem(client, family.app, old))["error"] == "invalid_grant"
            family.is_alive = False
        case "steal":
            # The newest one, by another application: it gets nothing and breaks nothing.
            assert (await redeem(client, thief, family.refresh[-1]))["error"] == "invalid_grant"
        case "revoke":
            await family.app.post(client, "/oauth/revoke", {"token": family.refresh[-1]})
            family.is_alive = False


async def test_a_family_lives_exactly_as_long_as_nothing_of_it_comes_twice(factory: Tenant) -> None:
    app, thief = await register(factory), await register(factory, type="public")
    async with browser(factory) as client:
        await sign_in(factory, client)
        runs: list[Steps] = []
        for steps in _drawn(12):
            runs.append(steps)
            code = (await authorize(client, app))["code"]
            family = Family(app, (await app.post(client, "/oauth/token", app.exchange(code))).json())
            for step in steps:
                await take(client, family, thief, step)
            for token in family.access:
                told = (await app.post(client, "/oauth/introspect", {"token": token})).json()
                assert told["active"] is family.is_alive, steps
    assert len({str(r) for r in runs}) > 3


def _drawn(count: int) -> list[Steps]:
    """Runs that Hypothesis drew; each is played against the server, which its own loop could not await."""
    found: list[Steps] = [
        [("refresh", 0), ("reuse", 0), ("refresh", 0)],
        [("refresh", 0), ("refresh", 0), ("reuse", 0)],
    ]

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def draw(steps: Steps) -> None:
        found.append(steps)

    draw()
    return found


async def test_of_two_that_come_at_once_with_one_token_one_is_served(factory: Tenant) -> None:
    app = await register(factory)
    async with browser(factory) as client:
        await sign_in(factory, client)
        code = (await authorize(client, app))["code"]
        both = await asyncio.gather(*(app.post(client, "/oauth/token", app.exchange(code)) for _ in range(2)))
        assert sorted(a.status_code for a in both) == [200, 400]
        # The second was a replay, and what the first got is over.
        token = next(a.json()["access_token"] for a in both if a.status_code == 200)
        assert (await app.post(client, "/oauth/introspect", {"token": token})).json() == {"active": False}
