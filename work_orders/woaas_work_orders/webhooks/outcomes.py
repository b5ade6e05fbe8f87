"""What becomes of a try, and when an endpoint is switched off for what became of them.

The endpoint's row is locked before any of its deliveries, here as in the use cases, so that none waits for another.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from woaas_core.ids import encode_id
from woaas_security.audit.changes import changes_of
from woaas_security.identity import notices
from woaas_work_orders.alerts.service import Finding, reconcile
from woaas_work_orders.webhooks import events, queue, repository
from woaas_work_orders.webhooks.resources import WEBHOOK_ENDPOINT
from woaas_work_orders.webhooks.retries import delay_after

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork
    from woaas_security.principal import Principal

Reason = Literal["gone", "failing", "behind", "owner_ended"]

FAILING_FOR = timedelta(days=5)
MOST_WAITING = 100_000
ALERT = "webhook_disabled"
_GONE = 410
_WHY = {
    "gone": "The receiver answered 410: it wants no more events.",
    "failing": "Nothing got through for five days.",
    "behind": "It takes events more slowly than they come: too many wait.",
    "owner_ended": "Whoever made it has no access any more.",
}


class Outcome(NamedTuple):
    """What a receiver said, or why it was not heard."""

    status_code: int | None
    error: str | None
    duration_ms: int

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has taken it: only 2xx says so, and no redirect is followed."""
        return self.status_code is not None and 200 <= self.status_code < 300


async def settle(uow: "UnitOfWork", endpoint_id: UUID, delivery_id: UUID, attempts: int, outcome: Outcome) -> None:
    """Note what became of a try: done, due again, given up; and what that says of the endpoint."""
    now = uow.clock.now()
    values: dict[str, Any] = {
        "a_try": [{"at": msgspec.to_builtins(now), **outcome._asdict()}],
        "status_code": outcome.status_code,
        "error": outcome.error,
    }
    if outcome.is_delivered:
        await queue.note_well(uow, endpoint_id)
        done = {"status": "delivered", "next_attempt_at": None, "finished_at": now}
        await queue.settle(uow, delivery_id, attempts, **values, **done)
        return
    since = await queue.note_failing(uow, endpoint_id)
    delay = delay_after(attempts)
    failed = {
        "status": "waiting" if delay else "failed",
        "next_attempt_at": now + delay if delay else None,
        "finished_at": None if delay else now,
    }
    await queue.settle(uow, delivery_id, attempts, **values, **failed)
    if outcome.status_code == _GONE:
        await disable(uow, endpoint_id, "gone")
    elif now - since >= FAILING_FOR:
        await disable(uow, endpoint_id, "failing")


async def withhold(uow: "UnitOfWork", delivery_id: UUID, attempts: int, why: str) -> None:
    """Note that an event is not for the endpoint's owner, or no more."""
    values: dict[str, Any] = {"a_try": [], "status_code": None, "error": why, "next_attempt_at": None}
    values["finished_at"] = uow.clock.now()
    await queue.settle(uow, delivery_id, attempts, status="withheld", **values)


async def disable(uow: "UnitOfWork", endpoint_id: UUID, reason: Reason) -> None:
    """Switch an endpoint off and let its owner know; what waits for it is held until somebody resumes it."""
    before = await repository.get(uow, endpoint_id, lock=True)
    if before is None or before["state"] != "enabled":
        return
    row = await repository.update(uow, before, state="disabled", disabled_reason=reason)
    await queue.hold(uow, endpoint_id)
    uow.record(
        events.ENDPOINT_DISABLED,
        subject=encode_id("whk", endpoint_id),
        version=(before["version"], row["version"]),
        data={"state": "disabled", "disabled_reason": reason},
        changes=changes_of(WEBHOOK_ENDPOINT, before, row),
    )
    await notices.queue(uow, notices.WEBHOOK_DISABLED, row["owner"])
    await tell(uow)


async def disable_behind(uow: "UnitOfWork", _principal: "Principal") -> int:
    """Switch off the endpoints for which too much waits; how many there were."""
    found = await queue.behind(uow, MOST_WAITING)
    for endpoint_id in found:
        await disable(uow, endpoint_id, "behind")
    return len(found)


async def tell(uow: "UnitOfWork") -> None:
    """Keep an alert standing for each endpoint that is switched off, and for no other."""
    findings = []
    for row in await repository.disabled(uow):
        subject = encode_id("whk", row["id"])
        links = [f"/v1/webhook-endpoints/{subject}"]
        findings.append(Finding(subject, row["updated_at"], _WHY[row["disabled_reason"]], links))
    await reconcile(uow, ALERT, findings)
