"""Who is let in: the budgets of a key and of its tenant, and of addresses and keys that fail to say who they are.

A caller is known by what he authenticates with, once that has been found right; until then only failures are counted,
so that made-up keys fill no table.
"""

import hashlib
from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from woaas_api.limits import COSTS, Limits
from woaas_api.rate_limit import Budget
from woaas_core.buckets import shared_buckets
from woaas_core.db.database import Database
from woaas_core.errors import DomainError, RateLimited
from woaas_core.settings import Settings
from woaas_security.principal import Principal

_KNOWN = 50_000
_KEY_ID_LENGTH = 20


class Admission:
    """The budgets of everybody, as far as this process has seen him."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.limits = Limits(shared_buckets(database))
        self.per_key = settings.rate_limit_per_minute
        self.per_tenant = settings.tenant_rate_limit_per_minute
        self.failures = settings.auth_failures_per_minute
        self._tenants: OrderedDict[str, UUID] = OrderedDict()

    def visitor(self, credentials: str | None, address: str) -> "Visitor":
        """A request at the door."""
        caller = _named(credentials) if credentials else None
        tenant = self._tenants.get(caller) if caller else None
        failing = [f"failures:address:{_network(address)}"]
        if credentials:
            failing.append(f"failures:key:{_public_part(credentials)}")
        return Visitor(self, caller, tenant, tuple(failing))

    def know(self, caller: str, tenant: UUID) -> None:
        """Remember whose credentials these are."""
        self._tenants[caller] = tenant
        self._tenants.move_to_end(caller)
        if len(self._tenants) > _KNOWN:
            self._tenants.popitem(last=False)

    def charge(self, principal: Principal, credentials: str | None, cost: float) -> None:
        """Take a cost that is only known afterwards."""
        if credentials and cost > 0:
            self.limits.debit(f"key:{_named(credentials)}", cost)
            self.limits.debit(f"tenant:{principal.tenant_id}", cost)


class Visitor(NamedTuple):
    """One request and its budgets."""

    admission: Admission
    caller: str | None
    tenant: UUID | None
    failing: tuple[str, ...]

    async def enter(self, operation: str) -> None:
        """Take what an operation costs from the caller's budgets.

        Raises:
            RateLimited: one of them is spent, or too many attempts to authenticate failed.
        """
        cost = COSTS.get(operation, 1)
        if self.caller and self.tenant:
            await self._draw(self.caller, self.tenant, cost)
            return
        for bucket in self.failing:
            refused = self.admission.limits.is_refused(bucket, self.admission.failures)
            if refused is not None:
                refused.check()

    async def failed(self, error: DomainError) -> DomainError:
        """Count a failure to authenticate; too many are answered as such."""
        for bucket in self.failing:
            budget = await self.admission.limits.draw(bucket, self.admission.failures)
            if budget.retry_after_s:
                return RateLimited(retry_after_s=budget.retry_after_s)
        return error

    async def leave(self, principal: Principal | None) -> dict[str, str]:
        """The headers that tell of the budget; a caller seen for the first time pays now."""
        tenant = self.tenant or (principal.tenant_id if principal else None)
        if tenant is None or self.caller is None:
            return self._policy()
        if self.tenant is None:
            self.admission.know(self.caller, tenant)
            await self._draw(self.caller, tenant, 1, check=False)
        limits = self.admission.limits
        budgets = (
            limits.seen(f"key:{self.caller}", self.admission.per_key),
            limits.seen(f"tenant:{tenant}", self.admission.per_tenant),
        )
        return min(budgets, key=lambda b: b.remaining).headers() | self._policy()

    async def _draw(self, caller: str, tenant: UUID, cost: float, *, check: bool = True) -> None:
        for bucket, per_minute in (
            (f"key:{caller}", self.admission.per_key),
            (f"tenant:{tenant}", self.admission.per_tenant),
        ):
            budget = await self.admission.limits.draw(bucket, per_minute, cost)
            if check:
                budget.check()

    def _policy(self) -> dict[str, str]:
        """The IETF draft's RateLimit-Policy: what the budgets are."""
        key, tenant = self.admission.per_key, self.admission.per_tenant
        return {"RateLimit-Policy": f'"key";q={key};w=60, "tenant";q={tenant};w=60'}


def _named(credentials: str) -> str:
    """Credentials as the name of a bucket, which tells nothing of them."""
    return hashlib.blake2b(credentials.encode(), digest_size=16).hexdigest()


def _public_part(credentials: str) -> str:
    """What of credentials is no secret and the same in each guess at the rest: scheme, mode and key id."""
    return credentials.removeprefix("Bearer ")[:_KEY_ID_LENGTH]


def _network(address: str) -> str:
    """An address as attempts are counted by: who has one of IPv6 has 2^64 of them."""
    return ":".join(address.split(":")[:4]) if ":" in address else address


__all__ = ["Admission", "Budget", "Visitor"]
