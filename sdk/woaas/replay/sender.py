"""Send a plan: a handful of orders at a time, each order's reports strictly one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from woaas._errors import APIError, AuthenticationError, PermissionDeniedError, RateLimitError, ServerError
from woaas.types.work_orders import BatchResult, Operation, WorkOrder

from .plan import Named, Plan, PlannedCompletion, PlannedOrder, PlannedReport

if TYPE_CHECKING:
    from woaas import AsyncClient

ORDERS_PER_BATCH = 25
ORDERS_AT_ONCE = 6
FINISHED = frozenset({"completed", "closed", "cancelled", "aborted"})
OVER = frozenset({"completed", "skipped", "cancelled", "aborted"})
NOT_BEGUN = frozenset({"pending", "waiting", "ready"})
FATAL = (AuthenticationError, PermissionDeniedError, RateLimitError, ServerError)


@dataclass(frozen=True)
class Refusal:
    """Something the service would not take: an order's case, or the line of a report."""

    what: str
    reason: str


@dataclass
class Outcome:
    """What a replay changed. Run again, everything is known already and nothing is new."""

    new_masters: int = 0
    new_orders: int = 0
    new_reports: int = 0
    known_reports: int = 0
    completed_orders: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class Sender:
    """Carries a plan out once; what the service already has is left as it is."""

    def __init__(self, client: AsyncClient, plan: Plan, on_report: Callable[[int], None]) -> None:
        self._client = client
        self._plan = plan
        self._on_report = on_report
        self.outcome = Outcome()

    async def send(self) -> Outcome:
        """Master data first, then all orders in the log's order, then what happened to them.

        Raises:
            APIError: the key may not do this, or the service fails; sending again goes on where this stopped.
            APIConnectionError: the service is not there.
        """
        await self._put_masters()
        orders = await self._create_orders()
        await _a_few_at_once(ORDERS_AT_ONCE, (self._replay(planned, order) for planned, order in orders))
        return self.outcome

    async def _put_masters(self) -> None:
        client = self._client
        work_centers = {one.code async for one in client.work_centers.list(limit=200)}
        operators = {one.code async for one in client.operators.list(limit=200)}
        materials = {one.code async for one in client.materials.list(limit=200)}
        new: list[tuple[Callable[..., Awaitable[object]], Named]] = [
            *((client.work_centers.put, one) for one in self._plan.work_centers if one.code not in work_centers),
            *((client.operators.put, one) for one in self._plan.operators if one.code not in operators),
            *((client.materials.put, one) for one in self._plan.materials if one.code not in materials),
        ]
        self.outcome.new_masters = len(new)
        await _a_few_at_once(ORDERS_AT_ONCE, (put(one.code, name=one.name) for put, one in new))

    async def _create_orders(self) -> list[tuple[PlannedOrder, WorkOrder]]:
        """In batches one after another, so that numbers follow the log."""
        created: list[tuple[PlannedOrder, WorkOrder]] = []
        left = iter(self._plan.orders)
        while chunk := {order.case: order for order in islice(left, ORDERS_PER_BATCH)}:
            results = await self._client.work_orders.batch({case: order.body for case, order in chunk.items()})
            for result in results:
                order = await self._order_of(result)
                if order is None:
                    self._on_report(len(chunk[result.key].reports))
                else:
                    created.append((chunk[result.key], order))
        return created

    async def _order_of(self, result: BatchResult) -> WorkOrder | None:
        if result.work_order is None:
            problem = result.problem
            reason = str(problem.get("detail") or problem.get("code")) if problem else f"status {result.status}"
            self.outcome.refusals.append(Refusal(result.key, reason))
            return None
        if result.status == 201:
            self.outcome.new_orders += 1
            return result.work_order
        return await self._client.work_orders.get(result.work_order.id)  # as it is now, not as it was created

    async def _replay(self, planned: PlannedOrder, order: WorkOrder) -> None:
        if order.state in FINISHED:
            self.outcome.known_reports += len(planned.reports)
            self._on_report(len(planned.reports))
            return
        operations = {operation.sequence: operation for operation in order.operations}
        started: set[int] = set()
        for step in planned.steps:
            operation = operations[step.sequence]
            if operation.state in OVER:
                self._skip(step)
            elif isinstance(step, PlannedCompletion):
                await self._finish(operation, f"{planned.case}, {operation.name}", has_reports=step.sequence in started)
            elif await self._report(operation.id, step):
                started.add(step.sequence)
        if planned.is_complete and await self._command(planned.case, self._client.work_orders.complete(order.id)):
            self.outcome.completed_orders += 1

    async def _finish(self, operation: Operation, what: str, *, has_reports: bool) -> None:
        """Complete what was worked on; skip what nobody could report on."""
        is_begun = has_reports or operation.state not in NOT_BEGUN
        command = self._client.operations.complete if is_begun else self._client.operations.skip
        await self._command(what, command(operation.id))

    def _skip(self, step: PlannedReport | PlannedCompletion) -> None:
        if isinstance(step, PlannedReport):
            self.outcome.known_reports += 1
            self._on_report(1)

    async def _report(self, operation_id: str, report: PlannedReport) -> bool:
        try:
            answer = await self._client.with_raw_response.operations.report(operation_id, **report.body)
        except FATAL:
            raise
        except APIError as refused:
            self.outcome.refusals.append(Refusal(f"line {report.line}", f"{refused.code}: {refused.detail}"))
            return False
        finally:
            self._on_report(1)
        if answer.status_code == 201:
            self.outcome.new_reports += 1
        else:
            self.outcome.known_reports += 1
        return True

    async def _command(self, what: str, command: Awaitable[object]) -> bool:
        try:
            await command
        except FATAL:
            raise
        except APIError as refused:
            self.outcome.refusals.append(Refusal(what, f"{refused.code}: {refused.detail}"))
            return False
        return True


async def _a_few_at_once(count: int, work: Iterator[Awaitable[object]]) -> None:
    """Await all, `count` at a time, begun in their order; the first failure ends it and is raised by itself."""

    async def worker() -> None:
        for one in work:
            await one

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(worker())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
