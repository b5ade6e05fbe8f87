"""The invariants, looked at: in one tenant beside its sums, and in all of them for CI and operators."""

from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from woaas_billing import invoice_repository, ledger_repository
from woaas_billing.invariants import CHECKS, UNREAD
from woaas_billing.invoicing import rebuild
from woaas_billing.resources import LEDGER
from woaas_core.db.database import Database
from woaas_core.db.statements import Statement
from woaas_core.ids import encode_id
from woaas_core.money import Currency, Money
from woaas_core.wire import money_view
from woaas_security.principal import Principal
from woaas_security.tenants import repository as tenants

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

# Beside the checks in SQL: an invoice made anew from its period's usage is the same, byte for byte.
REBUILT = "rebuilt"


class Difference(msgspec.Struct, frozen=True):
    """A broken invariant: which one, on what, and the two figures that should agree."""

    check: str
    subject: str
    expected: str
    found: str


_SUMS = Statement.text(
    f"""
    SELECT
      (SELECT count(*) FROM work_orders w JOIN tenants t ON t.id = w.tenant_id AND t.livemode
         WHERE w.tenant_id = app_tenant() AND w.completed_at IS NOT NULL) AS orders_processed,
      (SELECT count(*) FROM work_orders w JOIN tenants t ON t.id = w.tenant_id AND t.livemode
         WHERE w.tenant_id = app_tenant() AND w.completed_at IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM usage_events u WHERE u.tenant_id = w.tenant_id AND u.work_order_id = w.id)
           AND {UNREAD}) AS orders_unread,
      (SELECT count(*) FROM usage_events WHERE tenant_id = app_tenant() AND kind = 'charge') AS usage_events,
      (SELECT coalesce(sum(l.quantity), 0) FROM invoice_lines l WHERE l.tenant_id = app_tenant()) AS units_invoiced,
      (SELECT coalesce(sum(CASE u.kind WHEN 'reversal' THEN -u.quantity ELSE u.quantity END), 0)
         FROM usage_events u JOIN billing_periods p ON p.tenant_id = u.tenant_id AND p.id = u.period_id
         WHERE u.tenant_id = app_tenant() AND p.status = 'open') AS units_open
    """  # noqa: S608 - constants of this module
)
_INVOICED = Statement.text(
    "SELECT currency, sum(total_minor)::bigint AS total_minor FROM invoices WHERE tenant_id = app_tenant() "
    "GROUP BY currency ORDER BY currency"
)
_SNAPSHOT = Statement.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_TENANTS = Statement.text("SELECT live_tenants()")


async def differences(uow: "UnitOfWork") -> list[Difference]:
    """Every breach of every invariant in the entered tenant, invoices that do not come out of their usage included."""
    found = [
        Difference(check.name, row["subject"], row["expected"], row["found"])
        for check in CHECKS
        for row in await uow.all(check.query)
    ]
    for invoice in await invoice_repository.all_of(uow):
        digest = sha256(await rebuild(uow, invoice)).digest()
        if digest != invoice["content_sha256"]:
            found.append(Difference(REBUILT, invoice["number"], invoice["content_sha256"].hex(), digest.hex()))
    return found


async def reconcile(uow: "UnitOfWork", principal: Principal) -> dict[str, object]:
    """Orders, usage, lines and ledger side by side; ``orders_unread`` are completions metering has yet to read."""
    principal.require(LEDGER, "read")
    sums = await uow.first(_SUMS)
    assert sums is not None
    return {
        **dict(sums),
        "invoiced": [money_view(Money(r["total_minor"], Currency(r["currency"]))) for r in await uow.all(_INVOICED)],
        "ledger": [
            {"account": r["code"], "balance": money_view(Money(r["balance_minor"], Currency(r["currency"])))}
            for r in await ledger_repository.balances(uow)
        ],
        "differences": await differences(uow),
    }


async def verify(database: Database) -> dict[str, list[Difference]]:
    """The breaches of every tenant that has any, sandboxes too, by tenant id; each is looked at in one snapshot."""
    async with database.unit_of_work() as uow:
        ids: list[UUID] = [row[0] for row in await uow.all(_TENANTS)]
    found: dict[str, list[Difference]] = {}
    for tenant_id in ids:
        async with database.unit_of_work() as uow:
            await uow.execute(_SNAPSHOT)
            await tenants.enter(uow, tenant_id)
            if broken := await differences(uow):
                found[encode_id("ten", tenant_id)] = broken
    return found
