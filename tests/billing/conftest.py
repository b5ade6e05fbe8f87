"""Orders through the REST door, as billing meets them, and the book looked at from inside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fixtures.app import Tenant, World

from woaas_billing import invoicing, ledger_repository, metering
from woaas_billing.handlers import READERS
from woaas_billing.verify import Difference, differences
from woaas_core.db.statements import Statement
from woaas_core.events.readers import LoggedEvent, Reader, advance
from woaas_core.ids import uuid7
from woaas_security.principal import Principal

ORDER = {"product": "CABLE-HEAD", "quantity": "10", "operations": [{"name": "Turn"}], "release": True}
Complete = Callable[[Tenant], Awaitable[str]]
_USED = Statement.text("SELECT work_order_id, period_id FROM usage_events WHERE tenant_id = app_tenant() ORDER BY id")
_PERIODS = Statement.text(
    "SELECT id, status, event_count FROM billing_periods WHERE tenant_id = app_tenant() ORDER BY number"
)
_CURSOR = Statement.text(
    "SELECT next_index FROM reader_cursor WHERE tenant_id = app_tenant() AND reader = $1", "reader"
)


@dataclass
class Book:
    """A tenant's billing, acted on as the readers do, each call in a transaction of its own."""

    world: World
    tenant: Tenant

    async def enter(self, uow: Any) -> Principal:
        """Act in the tenant as a process of ours."""
        return await self.world.authenticator.as_system(uow, self.tenant.id, "test")

    async def count(self, order: UUID) -> bool:
        """Record one first completion, past the log."""
        async with self.world.db.unit_of_work() as uow:
            await self.enter(uow)
            return await metering.record_processed(uow, completion(order))

    async def issue(self, period: str = "open") -> Any:
        """Close a period and issue its invoice."""
        async with self.world.db.unit_of_work() as uow:
            return await invoicing.issue(uow, await self.enter(uow), period)

    async def follow(self, *readers: Reader) -> None:
        """Sequence what is pending and let billing's readers catch up, also with a cursor that was put back."""
        while (await self.world.sequencer.step()).sequenced:
            pass
        for reader in readers or READERS:
            done = False
            while not done:
                async with self.world.db.unit_of_work() as uow:
                    await self.enter(uow)
                    done = (await advance(uow, reader)).done
        await self.world.sequencer.step()

    async def rows(self, query: Statement, **values: object) -> list[Any]:
        """What a query finds in the tenant."""
        async with self.world.db.unit_of_work() as uow:
            await self.enter(uow)
            return await uow.all(query, **values)

    async def used(self) -> list[UUID]:
        """The orders that were counted."""
        return [row["work_order_id"] for row in await self.rows(_USED)]

    async def periods(self) -> list[Any]:
        """Every period, oldest first."""
        return await self.rows(_PERIODS)

    async def cursor(self, reader: Reader) -> int:
        """The log index a reader reads next."""
        return int((await self.rows(_CURSOR, reader=reader.name))[0][0])

    async def balances(self) -> dict[str, int]:
        """Each account's balance in minor units."""
        async with self.world.db.unit_of_work() as uow:
            await self.enter(uow)
            return {r["code"]: r["balance_minor"] for r in await ledger_repository.balances(uow)}

    async def differences(self) -> list[Difference]:
        """Every broken invariant."""
        async with self.world.db.unit_of_work() as uow:
            await self.enter(uow)
            return await differences(uow)


def completion(order: UUID) -> LoggedEvent:
    """An order's first completion, as the metering reader meets it."""
    return LoggedEvent(
        index=0,
        id=uuid7(),
        type="work_order.completed",
        subject="",
        work_order_id=order,
        recorded_at=datetime.now(UTC),
        data={"first": True, "number": "WO-1"},
    )


@pytest.fixture
def complete() -> Complete:
    """Enters, works and completes an order; gives its id."""

    async def run(tenant: Tenant) -> str:
        async with tenant.client() as client:
            made = (await client.post("/v1/work-orders", json=ORDER)).json()
            at = f"/v1/operations/{made['operations'][0]['id']}"
            for path in (f"{at}/start", f"{at}/complete", f"/v1/work-orders/{made['id']}/complete"):
                answer = await client.post(path)
                assert answer.status_code == 200, answer.text
        return str(made["id"])

    return run


@pytest.fixture
async def book(world: World, factory: Tenant) -> Book:
    """The factory's book, with its first period open."""
    made = Book(world, factory)
    await made.follow()
    return made
