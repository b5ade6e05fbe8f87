"""The newest checkpoint by mail: once a day, to who watches the log, if it grew."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fixtures.app import ORIGIN, Tenant, World
from fixtures.postman import Postman

from woaas.audit.notes import open_checkpoint, parse_vkeys
from woaas_core.clock import FrozenClock
from woaas_core.ids import encode_id
from woaas_core.mail import Mail
from woaas_infra.processes.worker import Worker
from woaas_infra.schedule import JOBS
from woaas_security.identity import events, repository
from woaas_security.identity.service import add_user

pytestmark = pytest.mark.anyio
(DAILY,) = (job for job in JOBS if job.name == "checkpoint_mail")
NOON = datetime(2050, 1, 1, 12, tzinfo=UTC)


async def person(tenant: Tenant, name: str, *roles: str, verified: bool = True) -> UUID:
    async with tenant.world.db.unit_of_work() as uow:
        await tenant.world.authenticator.as_system(uow, tenant.id, "test")
        address = f"{name}@factory.test"
        user_id = await add_user(uow, email=address, name=name, password="correct horse battery", roles=list(roles))
        if verified:
            version = await repository.set_email_verified(uow, user_id, uow.clock.now())
            uow.record(events.EMAIL_VERIFIED, subject=encode_id("usr", user_id), version=(1, version))
        return user_id


@pytest.fixture
def clock(world: World, monkeypatch: pytest.MonkeyPatch) -> FrozenClock:
    clock = FrozenClock(NOON)
    monkeypatch.setattr(world.db, "clock", clock)
    return clock


@pytest.fixture
def postman(world: World) -> Postman:
    return Postman(world)


async def delivered(world: World, postman: Postman, *, rounds: int = 1) -> list[Mail]:
    """What comes of the worker's turns, each by a worker that has just begun."""
    for _ in range(rounds):
        await Worker(world.db, world.settings, asyncio.Event()).do(DAILY)
    postman.mails.clear()
    await postman.round()
    return list(postman.mails)


async def grow(tenant: Tenant) -> None:
    async with tenant.client() as client:
        assert (await client.post("/v1/work-orders", json={"product": "P", "quantity": "1"})).status_code == 201
    await tenant.world.settle(tenant)


async def test_it_goes_once_a_day_to_owners_and_auditors_if_the_log_grew(
    world: World, factory: Tenant, clock: FrozenClock, postman: Postman
) -> None:
    await person(factory, "olga", "owner")
    await person(factory, "ann", "auditor")
    await person(factory, "piet", "planner")
    await person(factory, "uma", "auditor", verified=False)
    await grow(factory)
    first = await delivered(world, postman, rounds=3)
    assert sorted(mail.to for mail in first) == ["ann@factory.test", "olga@factory.test"]
    await grow(factory)
    assert await delivered(world, postman) == []  # the same day
    clock.advance(timedelta(days=1))
    assert len(await delivered(world, postman)) == 2
    clock.advance(timedelta(days=1))
    assert await delivered(world, postman) == []  # nothing was written since
    key = parse_vkeys([f"{world.signing_key.named(f'{ORIGIN}/t/{factory.id}').verifier}"])
    text = first[0].text
    start = text.index(f"{ORIGIN}/t/")
    note = text[start : text.index("\n\n", text.index("\n\n", start) + 2) + 1]
    assert open_checkpoint(note.encode(), key, "mail").origin == f"{ORIGIN}/t/{factory.id}"
    assert "audit verify BUNDLE.zip" in text


async def test_who_declined_it_gets_none(world: World, factory: Tenant, clock: FrozenClock, postman: Postman) -> None:
    ann = await person(factory, "ann", "auditor")
    async with factory.client() as client:
        where = f"/v1/members/{encode_id('usr', ann)}"
        assert (await client.get(where)).json()["checkpoint_mail"] is True
        changed = await client.patch(where, json={"checkpoint_mail": False})
        assert (changed.status_code, changed.json()["checkpoint_mail"]) == (200, False)
    await grow(factory)
    assert await delivered(world, postman) == []
