"""People's credentials: second factor, links of mails, lockout, passwords."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pyotp
import pytest
from fixtures.app import Tenant, World
from fixtures.console import PASSWORD, browser, person, submit
from fixtures.postman import Postman
from httpx import AsyncClient

from woaas_core.clock import FrozenClock, SystemClock
from woaas_core.db.statements import Statement
from woaas_core.errors import Invalid
from woaas_security.identity.password_rules import check_password
from woaas_security.identity.totp import STEP_S, matching_step

pytestmark = pytest.mark.anyio
NEW = "seven brown horses at dawn"


@pytest.fixture
def clock(world: World) -> FrozenClock:
    """The platform's clock, under the test's hand."""
    world.db.clock = FrozenClock(SystemClock().now())
    return world.db.clock


@pytest.fixture
def postman(world: World) -> Postman:
    return Postman(world)


@asynccontextmanager
async def fresh(tenant: Tenant) -> AsyncIterator[AsyncClient]:
    """Another browser."""
    async with browser(tenant) as client:
        yield client


async def sign_in(client: AsyncClient, email: str, password: str = PASSWORD) -> int:
    return (await submit(client, "/console/sign-in", email=email, password=password)).status_code


async def events(tenant: Tenant, prefix: str) -> list[str]:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        rows = await uow.all(Statement.text("SELECT type FROM event WHERE type LIKE $1 ORDER BY id", "p"), p=prefix)
    return [row[0] for row in rows]


class TestCodes:
    def test_a_code_of_the_rfc_is_that_of_its_step(self) -> None:
        """RFC 6238 appendix B, of which these apps show the last six digits."""
        secret = pyotp.random_base32()
        now = SystemClock().now()
        code = pyotp.TOTP(secret).at(now)
        step = int(now.timestamp()) // STEP_S
        assert matching_step(secret, code, now, after=0) == step
        assert matching_step(secret, code, now, after=step) is None
        assert matching_step(secret, code, now + timedelta(seconds=3 * STEP_S), after=0) is None
        assert matching_step(secret, "é", now, after=0) is None


class TestSecondFactor:
    async def enrolled(self, client: AsyncClient, clock: FrozenClock) -> tuple[str, list[str]]:
        """Turn it on in a signed-in browser; the secret and the recovery codes."""
        page = await submit(client, "/console/account/second-factor", "/console/account", current=PASSWORD)
        secret = re.search(r'<p class="code wrap">(\w+)</p>', page.text)
        assert secret, page.text
        shown = await submit(
            client,
            "/console/account/second-factor/confirm",
            "/console/account",
            code=pyotp.TOTP(secret[1]).at(clock.now()),
        )
        codes = re.findall(r"[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}", shown.text)
        assert len(codes) == 10, shown.text
        return secret[1], codes

    async def test_signing_in_then_takes_a_code_and_none_twice(self, factory: Tenant, clock: FrozenClock) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await sign_in(client, email)
            secret, codes = await self.enrolled(client, clock)
        clock.advance(timedelta(seconds=2 * STEP_S))
        now = pyotp.TOTP(secret).at(clock.now())
        async with fresh(factory) as client:
            asked = await submit(client, "/console/sign-in", email=email, password=PASSWORD)
            assert asked.status_code == 200
            assert "woaas_session" not in client.cookies
            assert (await client.get("/console/orders")).status_code == 303
            wrong = await submit(client, "/console/sign-in/code", "/console/sign-in", code="000000")
            assert wrong.status_code == 401
            right = await submit(client, "/console/sign-in/code", "/console/sign-in", code=now)
            assert right.status_code == 303
            assert (await client.get("/console/orders")).status_code == 200
        async with fresh(factory) as client:
            await submit(client, "/console/sign-in", email=email, password=PASSWORD)
            again = await submit(client, "/console/sign-in/code", "/console/sign-in", code=now)
            assert again.status_code == 401
            typed = codes[0].upper().replace("-", " ")
            assert (await submit(client, "/console/sign-in/code", "/console/sign-in", code=typed)).status_code == 303
        async with fresh(factory) as client:
            await submit(client, "/console/sign-in", email=email, password=PASSWORD)
            used = await submit(client, "/console/sign-in/code", "/console/sign-in", code=codes[0])
            assert used.status_code == 401
        assert await events(factory, "session.refused") == ["session.refused"] * 3
        assert "user.recovery_code_used" in await events(factory, "user.%")

    async def test_without_the_password_it_can_neither_be_set_up_nor_removed(
        self, factory: Tenant, clock: FrozenClock
    ) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await sign_in(client, email)
            page = await submit(client, "/console/account/second-factor", "/console/account", current="nope")
            assert page.status_code == 422
            await self.enrolled(client, clock)
            page = await submit(client, "/console/account/second-factor/remove", "/console/account", current="no")
            assert page.status_code == 422
            await submit(client, "/console/account/second-factor/remove", "/console/account", current=PASSWORD)
        async with fresh(factory) as client:
            assert await sign_in(client, email) == 303

    async def test_neither_secret_nor_recovery_code_is_stored(self, factory: Tenant, clock: FrozenClock) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await sign_in(client, email)
            secret, codes = await self.enrolled(client, clock)
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            rows = await uow.all(
                Statement.text("SELECT secret FROM second_factors UNION SELECT code_hash FROM recovery_codes")
            )
            stored = b"".join(bytes(row[0]) for row in rows)
        assert len(rows) == 11
        assert secret.encode() not in stored
        assert not any(code.encode() in stored or code.replace("-", "").encode() in stored for code in codes)


class TestForgottenPassword:
    async def test_the_link_sets_a_new_one_and_ends_every_session(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as before, fresh(factory) as client:
            await sign_in(before, email)
            await submit(client, "/console/forgot", email=email.upper())
            assert await postman.round() == 1
            assert postman.mails[0].to == email
            link = postman.link()
            data = {"token": link.partition("token=")[2], "password": NEW}
            too_common = await submit(client, "/console/reset", link, **{**data, "password": "passwordpassword"})
            assert too_common.status_code == 422
            assert (await submit(client, "/console/reset", link, **data)).status_code == 303
            assert (await submit(client, "/console/reset", link, **data)).status_code == 410
            assert (await before.get("/console/orders")).status_code == 303
            assert await sign_in(client, email) == 401
            assert await sign_in(client, email, NEW) == 303
        assert await events(factory, "user.%") == [
            *("user.reset_requested", "user.password_changed", "user.email_verified")
        ]

    async def test_known_and_unknown_addresses_get_one_answer(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            known = await submit(client, "/console/forgot", email=email)
            unknown = await submit(client, "/console/forgot", email="nobody@nowhere.example")
        strip = re.compile(r'name="form_token" value="[^"]+"')
        assert known.status_code == unknown.status_code == 200
        assert strip.sub("", known.text) == strip.sub("", unknown.text)
        assert known.headers.keys() == unknown.headers.keys()
        assert await postman.round() == 1

    async def test_a_link_runs_out_and_a_newer_one_ends_it(
        self, factory: Tenant, postman: Postman, clock: FrozenClock
    ) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            links = []
            for _ in range(2):
                await submit(client, "/console/forgot", email=email)
                await postman.round()
                links.append(postman.link())
                clock.advance(timedelta(minutes=2))
            assert links[0] != links[1]
            data = {"password": NEW}
            first = links[0].partition("token=")[2]
            assert (await submit(client, "/console/reset", links[0], token=first, **data)).status_code == 410
            clock.advance(timedelta(hours=1))
            second = links[1].partition("token=")[2]
            assert (await submit(client, "/console/reset", links[1], token=second, **data)).status_code == 410

    async def test_one_who_asks_again_and_again_fills_no_mailbox(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            for _ in range(3):
                await submit(client, "/console/forgot", email=email)
                await postman.round()
        assert len(postman.mails) == 1


class TestOutbox:
    async def test_mail_survives_a_host_that_is_down(
        self, factory: Tenant, postman: Postman, clock: FrozenClock
    ) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await submit(client, "/console/forgot", email=email)
        postman.is_down = True
        assert await postman.round() == 0
        postman.is_down = False
        assert await postman.round() == 0  # not yet due again
        clock.advance(timedelta(minutes=1))
        assert await postman.round() == 1
        assert await postman.round() == 0
        assert (await events(factory, "user.%")) == ["user.reset_requested"]

    async def test_work_that_is_rolled_back_sends_nothing(self, factory: Tenant, postman: Postman) -> None:
        from woaas_security.identity import credential_store

        email = await person(factory, "owner")
        with pytest.raises(RuntimeError):
            async with factory.world.db.unit_of_work() as uow:
                await credential_store.queue_reset(uow, email)
                raise RuntimeError
        assert await postman.round() == 0

    async def test_the_queue_and_the_log_hold_no_link(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await submit(client, "/console/forgot", email=email)
        postman.is_down = True
        await postman.round()
        async with factory.world.db.unit_of_work() as uow:
            await factory.world.authenticator.as_system(uow, factory.id, "test")
            rows = await uow.all(Statement.text("SELECT m::text || k::text FROM mails m, user_tokens k"))
        assert len(rows) == 1
        token = postman.link().partition("token=")[2]
        assert len(token) == 43
        assert token not in rows[0][0]
        assert token.encode().hex() not in rows[0][0]


class TestVerifyingAnAddress:
    async def test_the_link_confirms_it_once(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await sign_in(client, email)
            assert "not confirmed" in (await client.get("/console/account")).text
            await submit(client, "/console/account/email", "/console/account")
            await postman.round()
            link = postman.link()
            token = link.partition("token=")[2]
            assert (await submit(client, "/console/verify", link, token=token)).status_code == 303
            assert (await submit(client, "/console/verify", link, token=token)).status_code == 410
            assert "not confirmed" not in (await client.get("/console/account")).text

    async def test_it_is_no_link_to_set_a_password(self, factory: Tenant, postman: Postman) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            await sign_in(client, email)
            await submit(client, "/console/account/email", "/console/account")
            await postman.round()
            token = postman.link().partition("token=")[2]
            answer = await submit(client, "/console/reset", f"/console/reset?token={token}", token=token, password=NEW)
        assert answer.status_code == 410


class TestSlowingGuesses:
    async def test_the_delay_grows_and_ends(self, factory: Tenant, clock: FrozenClock) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as client:
            assert [await sign_in(client, email, "nope") for _ in range(5)] == [401] * 5
            assert await sign_in(client, email) == 429  # the right one too, else the delay would tell
            clock.advance(timedelta(seconds=2))
            assert await sign_in(client, email, "nope") == 401
            clock.advance(timedelta(seconds=1))
            assert await sign_in(client, email) == 429
            clock.advance(timedelta(seconds=2))
            assert await sign_in(client, email) == 303

    async def test_it_is_never_longer_than_a_quarter_of_an_hour(self, factory: Tenant, clock: FrozenClock) -> None:
        email = await person(factory, "owner")
        async with factory.world.db.unit_of_work() as uow:
            await uow.execute(Statement.text("SELECT 1"))
        async with fresh(factory) as client:
            for _ in range(17):
                assert await sign_in(client, email, "nope") == 401
                clock.advance(timedelta(minutes=15))
            assert await sign_in(client, email) == 303

    async def test_who_fails_elsewhere_does_not_keep_the_owner_s_browser_out(
        self, factory: Tenant, clock: FrozenClock
    ) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as mine, fresh(factory) as theirs:
            assert await sign_in(mine, email) == 303
            await submit(mine, "/console/sign-out", "/console/account")
            for _ in range(6):
                await sign_in(theirs, email, "nope")
            assert await sign_in(theirs, email) == 429
            assert await sign_in(mine, email) == 303
            # The mark is this account's: with it another account's guesses are counted as anybody's.
            other = await person(factory, "planner")
            for _ in range(6):
                await sign_in(theirs, other, "nope")
            await submit(mine, "/console/sign-out", "/console/account")
            assert await sign_in(mine, other) == 429

    async def test_an_address_that_tries_everybody_is_slowed_too(self, factory: Tenant, clock: FrozenClock) -> None:
        email = await person(factory, "owner")
        from woaas_security.identity import throttle

        keyring = factory.world.authenticator.keyring
        async with factory.world.db.unit_of_work() as uow:
            for n in range(throttle.FREE_PER_ADDRESS):
                await throttle.failed(uow, throttle.counters(keyring, account=f"{n}@x", address="127.0.0.1"))
        async with fresh(factory) as client:
            assert await sign_in(client, email) == 429


class TestPasswords:
    @pytest.mark.parametrize(
        "password",
        ["short", "password1234", "passwordpassword", "qwertyuiop123", "aaaaaaaaaaaaaa", "ann@factory.test", "x" * 257],
    )
    async def test_what_is_guessed_first_is_refused(self, password: str) -> None:
        with pytest.raises(Invalid):
            await check_password(password, about=("ann@factory.test", "Ann"))

    async def test_length_is_enough(self) -> None:
        await check_password("several words in a row", about=("ann@factory.test", "Ann"))

    async def test_changing_it_ends_the_other_sessions(self, factory: Tenant) -> None:
        email = await person(factory, "owner")
        async with fresh(factory) as here, fresh(factory) as there:
            await sign_in(here, email)
            await sign_in(there, email)
            wrong = await submit(here, "/console/account/password", "/console/account", current="nope", new=NEW)
            assert wrong.status_code == 422
            right = await submit(here, "/console/account/password", "/console/account", current=PASSWORD, new=NEW)
            assert right.status_code == 303
            assert (await here.get("/console/account")).status_code == 200
            assert (await there.get("/console/account")).status_code == 303
            assert await sign_in(there, email) == 401
            assert await sign_in(there, email, NEW) == 303


class TestOwnSessions:
    async def test_they_are_listed_and_ended_one_by_one(self, factory: Tenant) -> None:
        email, other = await person(factory, "owner"), await person(factory, "planner")
        console = {"Woaas-Console": "1"}
        async with fresh(factory) as here, fresh(factory) as there, fresh(factory) as theirs:
            for client, who in ((here, email), (there, email), (theirs, other)):
                await sign_in(client, who)
            listed = (await here.get("/v1/me/sessions", headers=console)).json()["data"]
            assert [s["is_current"] for s in listed] == [False, True]
            assert {s["method"] for s in listed} == {"password"}
            path = f"/v1/me/sessions/{listed[0]['id']}/end"
            assert (await theirs.post(path, headers=console)).status_code == 404
            assert (await here.post(path, headers=console)).status_code == 204
            assert (await here.post(path, headers=console)).status_code == 404
            assert (await there.get("/v1/me/sessions", headers=console)).status_code == 401
        async with factory.client() as client:
            assert (await client.get("/v1/me/sessions")).json() == {"data": []}
            assert (await client.post(path)).status_code == 404

    async def test_without_credentials_there_is_none(self, factory: Tenant) -> None:
        async with fresh(factory) as client:
            assert (await client.get("/v1/me/sessions")).status_code == 401
            assert (await client.post("/v1/me/sessions/ses_1/end")).status_code == 401
