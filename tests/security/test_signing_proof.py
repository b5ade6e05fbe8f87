"""Signing is no door to guess passwords by: what a signer gives counts, and slows down, as signing in does."""

from datetime import timedelta
from typing import Any

import pyotp
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, person, signed_in, submit
from httpx import AsyncClient, Response

from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_core.errors import RateLimited
from woaas_security.identity import second_factor
from woaas_security.identity.service import Origin
from woaas_security.identity.sign_in import sign_in
from woaas_security.identity.throttle import FREE_PER_ACCOUNT
from woaas_security.identity.totp import STEP_S

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock(world: World) -> FrozenClock:
    """The platform's clock, under the test's hand."""
    world.db.clock = FrozenClock(SystemClock().now())
    return world.db.clock


@pytest.fixture
async def ann(factory: Tenant, clock: FrozenClock) -> str:
    return await person(factory, "quality")


@pytest.fixture
async def order(factory: Tenant) -> str:
    async with factory.client() as client:
        answer = await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})
    return str(answer.json()["id"])


async def sign(client: AsyncClient, order: str, ann: str, **members: str) -> Response:
    body = {"subject": order, "meaning": "released", "signer": ann, "password": PASSWORD, **members}
    return await client.post("/v1/signatures", json=body)


async def refusals(tenant: Tenant) -> list[Any]:
    """What the log tells of attempts, as who made them."""
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        query = "SELECT encode(payload, 'escape') AS text FROM event WHERE type = 'session.refused' ORDER BY id"
        return [row["text"] for row in await uow.all(Statement.text(query))]


async def test_guesses_are_slowed_down_here_and_where_one_signs_in(factory: Tenant, ann: str, order: str) -> None:
    async with factory.client(**{"Idempotency-Key": "same"}) as client:
        for _ in range(FREE_PER_ACCOUNT):
            assert (await sign(client, order, ann, password="guess")).status_code == 401
        right = await sign(client, order, ann)
        assert (right.status_code, right.headers["retry-after"]) == (429, "1")
    told = await refusals(factory)
    assert len(told) == FREE_PER_ACCOUNT
    assert all('"at":"signature"' in one and "key_" in one for one in told)
    with pytest.raises(RateLimited):
        async with factory.world.db.unit_of_work() as uow:
            await sign_in(uow, factory.world.authenticator, ann, PASSWORD, Origin())


async def test_the_delay_ends_and_the_right_password_forgets_what_was_before(
    factory: Tenant, ann: str, order: str, clock: FrozenClock
) -> None:
    async with factory.client() as client:
        for _ in range(FREE_PER_ACCOUNT):
            await sign(client, order, ann, password="guess")
        clock.advance(timedelta(seconds=2))
        assert (await sign(client, order, ann)).status_code == 201
        assert (await sign(client, order, ann, password="guess")).status_code == 401
        assert (await sign(client, order, ann)).json()["code"] == "four_eyes"


async def test_a_document_of_the_graph_is_one_attempt(factory: Tenant, ann: str, order: str) -> None:
    attempt = 'signatureCreate(input: {subject: "%s", meaning: "x", signer: "%s", password: "%s"}) { id }'
    tries = [attempt % (order, ann, f"guess {i}") for i in range(9)] + [attempt % (order, ann, PASSWORD)]
    document = "mutation { " + " ".join(f"a{i}: {one}" for i, one in enumerate(tries)) + " }"
    async with factory.client() as client:
        codes = [
            e["extensions"]["code"] for e in (await client.post("/graphql", json={"query": document})).json()["errors"]
        ]
        assert codes == ["unauthenticated", *["rate_limited"] * 9]
        assert len(await refusals(factory)) == 1
        for _ in range(FREE_PER_ACCOUNT - 1):
            await client.post("/graphql", json={"query": f"mutation {{ {tries[0]} }}"})
        answer = await client.post("/graphql", json={"query": f"mutation {{ {tries[-1]} }}"})
        assert answer.json()["errors"][0]["extensions"]["code"] == "rate_limited"


async def test_on_a_page_it_is_told_where_it_was_given(factory: Tenant, order: str, clock: FrozenClock) -> None:
    async with signed_in(factory, "quality") as client:
        here = f"/console/orders/{order}"

        async def give(password: str) -> str:
            form = {"subject": order, "meaning": "released", "password": password}
            answer = await submit(client, f"{here}/signatures", here, **form)
            assert (answer.status_code, answer.headers["location"]) == (303, here)
            return (await client.get(here)).text

        for _ in range(FREE_PER_ACCOUNT):
            assert "The password or the code is not right." in await give("guess")
        assert "Too many attempts." in await give(PASSWORD)
        clock.advance(timedelta(seconds=2))
        assert "Signed." in await give(PASSWORD)
        assert len(await refusals(factory)) == FREE_PER_ACCOUNT


async def test_failing_elsewhere_does_not_keep_a_person_from_signing_in_his_browser(
    factory: Tenant, order: str, clock: FrozenClock
) -> None:
    async with signed_in(factory, "quality") as browser, factory.client() as client:
        for _ in range(FREE_PER_ACCOUNT + 1):
            await sign(client, order, f"quality@{factory.id.hex[:8]}.example", password="guess")
        here = f"/console/orders/{order}"
        form = {"subject": order, "meaning": "released", "password": PASSWORD}
        await submit(browser, f"{here}/signatures", here, **form)
        assert "Signed." in (await browser.get(here)).text


class TestSecondFactor:
    @pytest.fixture
    async def secret(self, factory: Tenant, ann: str, clock: FrozenClock) -> tuple[str, list[str]]:
        """Ann's app, and her recovery codes."""
        world = factory.world
        async with world.db.unit_of_work() as uow:
            started = await sign_in(uow, world.authenticator, ann, PASSWORD, Origin())
            principal = started.principal  # type: ignore[union-attr]  # no second factor yet
            made = await second_factor.begin(uow, world.authenticator.keyring, principal, ann)
            code = pyotp.TOTP(made.secret).at(clock.now())
            codes = await second_factor.confirm(uow, world.authenticator.keyring, principal, code)
        clock.advance(timedelta(seconds=2 * STEP_S))
        return made.secret, codes

    async def test_it_takes_a_code_and_each_code_once(
        self, factory: Tenant, ann: str, order: str, secret: tuple[str, list[str]], clock: FrozenClock
    ) -> None:
        code = pyotp.TOTP(secret[0]).at(clock.now())
        async with factory.client() as client:
            missing, guessed, wrong = (
                await sign(client, order, ann),
                await sign(client, order, ann, otp="000000"),
                await sign(client, order, ann, otp=code, password="guess"),
            )
            assert [a.status_code for a in (missing, guessed, wrong)] == [401] * 3
            assert len({a.json()["detail"] for a in (missing, guessed, wrong)}) == 1
            signed = await sign(client, order, ann, otp=code)
            assert (signed.status_code, signed.json()["method"]) == (201, "code")
            assert (await sign(client, order, ann, otp=code)).status_code == 401
            recovered = await sign(client, order, ann, otp=secret[1][0])
            assert recovered.json()["code"] == "four_eyes"
            # What was refused used nothing up.
            operation = (await client.post(f"/v1/work-orders/{order}/operations", json={"name": "turn"})).json()["id"]
            signed = await sign(client, operation, ann, otp=secret[1][0])
            assert (signed.status_code, signed.json()["method"]) == (201, "recovery_code")
        reasons = [one.partition('"reason":"')[2].partition('"')[0] for one in await refusals(factory)]
        assert reasons == ["code", "code", "password", "code"]

    async def test_the_page_asks_for_it(
        self, factory: Tenant, ann: str, order: str, secret: tuple[str, list[str]], clock: FrozenClock
    ) -> None:
        here = f"/console/orders/{order}"
        async with factory.client() as client:
            del client.headers["authorization"]
            await submit(client, "/console/sign-in", email=ann, password=PASSWORD)
            await submit(client, "/console/sign-in/code", "/console/sign-in", code=secret[1][0])
            assert 'name="otp"' in (await client.get(here)).text
            form = {"subject": order, "meaning": "released", "password": PASSWORD}
            await submit(client, f"{here}/signatures", here, **form, otp=pyotp.TOTP(secret[0]).at(clock.now()))
            assert "Signed." in (await client.get(here)).text
