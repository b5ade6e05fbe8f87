"""What a tenant has open with others: it is brought to an end before the tenant is."""

from typing import TYPE_CHECKING

from woaas_capacity_market.lifecycle import CONTRACT_ENDED, QUOTE_OPEN
from woaas_core.db.statements import Statement
from woaas_core.ids import encode_id

if TYPE_CHECKING:
    from woaas_core.db.unit_of_work import UnitOfWork

_UNFINISHED = Statement.text(
    """
    SELECT 'ctr' AS prefix, id FROM market_contracts
    WHERE (buyer_tenant_id = $1 OR partner_tenant_id = $1) AND state <> ALL ($2::text[])
    UNION ALL SELECT 'quo', q.id FROM market_quotes q WHERE q.partner_tenant_id = $1 AND q.state = ANY ($3::text[])
      AND NOT EXISTS (SELECT FROM market_contracts c WHERE c.quote_id = q.id)
    UNION ALL SELECT 'mrq', id FROM market_requests WHERE tenant_id = $1 AND state IN ('published', 'quoting')
    UNION ALL SELECT 'lst', id FROM market_listings WHERE tenant_id = $1 AND state = 'open'
    """,
    *("tenant", "ended", "open"),
)


async def unfinished(uow: "UnitOfWork") -> list[str]:
    """The contracts, quotes, requests and listings that others can still count on, by their public ids."""
    rows = await uow.all(_UNFINISHED, tenant=uow.tenant, ended=sorted(CONTRACT_ENDED), open=sorted(QUOTE_OPEN))
    return [encode_id(row["prefix"], row["id"]) for row in rows]
