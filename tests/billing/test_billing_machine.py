"""Any interleaving of completing, retrying, reopening, cancelling and closing keeps the books sound."""

import pytest
from anyio import from_thread, to_thread
from fixtures.app import World
from fixtures.billing import ORDER, Book
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from woaas_billing.handlers import METERING
from woaas_core.db.statements import Statement
from woaas_core.ids import decode_id

pytestmark = pytest.mark.anyio
BOUNDED = settings(
    max_examples=12,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)
_REWIND = Statement.text(
    "UPDATE reader_cursor SET next_index = 0 WHERE tenant_id = app_tenant() AND reader = 'metering'"
)
_INVOICED = Statement.text("SELECT sum(quantity) FROM invoice_lines WHERE tenant_id = app_tenant()")


class BillingMachine(RuleBasedStateMachine):
    """A factory whose owner and second person work orders, while the readers follow now and then."""

    world: World
    released = Bundle("released")
    completed = Bundle("completed")
    running = Bundle("running")

    @initialize()
    def open_tenant(self) -> None:
        """A tenant of its own for each run."""
        from_thread.run(self._open)

    async def _open(self) -> None:
        self.book = Book(self.world, await self.world.tenant())
        self.people = [self.book.tenant.client(), self.book.tenant.client(await self.book.tenant.key("owner"))]
        self.processed: set[str] = set()
        self.unread = 0
        self.closes = 0
        await self.book.follow()

    @rule(target=released)
    def enter(self) -> tuple[str, str]:
        """A released order with one operation."""
        return from_thread.run(self._enter)

    async def _enter(self) -> tuple[str, str]:
        made = await self.people[0].post("/v1/work-orders", json=ORDER)
        assert made.status_code == 201, made.text
        return made.json()["id"], made.json()["operations"][0]["id"]

    @rule(target=completed, order=consumes(released))
    def complete(self, order: tuple[str, str]) -> str:
        """Work it and complete it."""
        wo, op = order
        for path in (f"operations/{op}/start", f"operations/{op}/complete", f"work-orders/{wo}/complete"):
            self._post(path)
        self.processed.add(wo)
        self.unread += 1
        return wo

    @rule(order=consumes(released))
    def cancel(self, order: tuple[str, str]) -> None:
        """Cancel it before it is started."""
        self._post(f"work-orders/{order[0]}/cancel")

    @rule(target=running, order=consumes(completed))
    def reopen(self, order: str) -> str:
        """A second person reopens it."""
        self._post(f"work-orders/{order}/reopen", person=1)
        return order

    @rule(target=completed, order=consumes(running))
    def complete_again(self, order: str) -> str:
        """The reopened order is completed once more."""
        self._post(f"work-orders/{order}/complete")
        return order

    @rule()
    def close_period(self) -> None:
        """Close the period, also while completions are not read yet."""
        from_thread.run(self.book.issue)
        self.closes += 1

    @rule(again=st.booleans())
    def read(self, again: bool) -> None:
        """The readers catch up; ``again`` puts the cursor back to the start first."""
        from_thread.run(self._read, again)

    async def _read(self, again: bool) -> None:
        if again:
            async with self.world.db.unit_of_work() as uow:
                await self.book.enter(uow)
                await uow.execute(_REWIND)
        await self.book.follow(METERING)
        self.unread = 0
        assert sorted(await self.book.used()) == sorted(decode_id("wo", o) for o in self.processed)

    @precondition(lambda self: hasattr(self, "book"))
    @invariant()
    def books_are_sound(self) -> None:
        """No invariant is broken at any moment."""
        assert from_thread.run(self.book.differences) == []

    def teardown(self) -> None:
        """Once all is read and closed, what was processed is what was invoiced."""
        if hasattr(self, "book"):
            from_thread.run(self._end)

    async def _end(self) -> None:
        await self._read(again=False)
        await self.book.issue()
        ((invoiced,),) = await self.book.rows(_INVOICED)
        assert (invoiced or 0) == len(self.processed)
        assert len(await self.book.periods()) == self.closes + 2
        assert await self.book.differences() == []
        for person in self.people:
            await person.aclose()

    def _post(self, path: str, person: int = 0) -> None:
        answer = from_thread.run(self.people[person].post, f"/v1/{path}")
        assert answer.status_code == 200, answer.text


async def test_any_interleaving_keeps_the_books_sound(world: World) -> None:
    machine = type("Machine", (BillingMachine,), {"world": world})
    await to_thread.run_sync(lambda: run_state_machine_as_test(machine, settings=BOUNDED))
