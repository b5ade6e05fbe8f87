"""The invariants of billing as SQL: each check returns the rows that break it, so a sound book returns none."""

from typing import NamedTuple

from woaas_billing.repository import GATHERED
from woaas_core.db.statements import Statement


class Check(NamedTuple):
    """An invariant; its query selects ``subject, expected, found`` of each breach in the entered tenant."""

    name: str
    claim: str
    query: Statement


def _check(name: str, claim: str, sql: str) -> Check:
    return Check(name, claim, Statement.text(sql))


# An order is not read yet while its completion is ahead of the metering reader: late, and no difference.
UNREAD = """
    EXISTS (
      SELECT 1 FROM event e
      LEFT JOIN log l ON l.tenant_id = e.tenant_id AND l.event_id = e.id
      LEFT JOIN reader_cursor c ON c.tenant_id = e.tenant_id AND c.reader = 'metering'
      WHERE e.tenant_id = w.tenant_id AND e.work_order_id = w.id AND e.type = 'work_order.completed'
        AND (l.index IS NULL OR c.next_index IS NULL OR l.index >= c.next_index))
"""

CHECKS = (
    _check(
        "I1",
        "the entries of a ledger transaction sum to zero in each currency",
        """
        SELECT t.ref AS subject, '0' AS expected, sum(e.amount_minor)::text AS found
        FROM ledger_transactions t
        LEFT JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
        WHERE t.tenant_id = app_tenant()
        GROUP BY t.id, t.ref, e.currency HAVING coalesce(sum(e.amount_minor), -1) <> 0
        """,
    ),
    _check(
        "I2",
        "every processed order of a live tenant has one charge, and nothing else has any",
        f"""
        SELECT w.number AS subject, '1' AS expected, '0' AS found FROM work_orders w
        JOIN tenants t ON t.id = w.tenant_id AND t.livemode
        WHERE w.tenant_id = app_tenant() AND w.completed_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM usage_events u WHERE u.tenant_id = w.tenant_id AND u.work_order_id = w.id
                            AND u.meter = 'processed_orders' AND u.kind = 'charge')
          AND NOT {UNREAD}
        UNION ALL
        SELECT u.identifier, CASE WHEN t.livemode AND w.completed_at IS NOT NULL THEN '1' ELSE '0' END, count(*)::text
        FROM usage_events u
        JOIN tenants t ON t.id = u.tenant_id
        LEFT JOIN work_orders w ON w.tenant_id = u.tenant_id AND w.id = u.work_order_id
        WHERE u.tenant_id = app_tenant() AND u.kind = 'charge'
        GROUP BY u.identifier, t.livemode, w.completed_at
        HAVING count(*) <> 1 OR NOT t.livemode OR w.completed_at IS NULL
        """,  # noqa: S608 - constants of this module
    ),
    _check(
        "I3",
        "the units of an invoiced period are those of its lines, free ones included",
        """
        SELECT i.number AS subject, u.units::text AS expected, l.units::text AS found
        FROM invoices i
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(CASE kind WHEN 'reversal' THEN -quantity ELSE quantity END), 0) AS units
          FROM usage_events WHERE tenant_id = i.tenant_id AND period_id = i.period_id) u
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(quantity), 0) AS units FROM invoice_lines
          WHERE tenant_id = i.tenant_id AND invoice_id = i.id) l
        WHERE i.tenant_id = app_tenant() AND u.units <> l.units
        """,
    ),
    _check(
        "I4",
        "an invoice's total is the sum of its lines and what the ledger holds as receivable for it",
        """
        SELECT i.number AS subject, i.total_minor::text AS expected, l.amount || ' / ' || e.amount AS found
        FROM invoices i
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(amount_minor), 0) AS amount FROM invoice_lines
          WHERE tenant_id = i.tenant_id AND invoice_id = i.id) l
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(e.amount_minor), 0) AS amount
          FROM ledger_transactions t
          JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
          JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id AND a.code = 'receivable'
          WHERE t.tenant_id = i.tenant_id AND t.ref = 'invoice:' || i.number) e
        WHERE i.tenant_id = app_tenant() AND (l.amount <> i.total_minor OR e.amount <> i.total_minor)
        """,
    ),
    _check(
        "I5",
        "a closed period holds exactly the events it was frozen with, and periods follow each other without a gap",
        f"""
        SELECT p.id::text AS subject, p.event_count::text AS expected, g.event_count::text AS found
        FROM billing_periods p
        CROSS JOIN LATERAL (
          SELECT {GATHERED} FROM usage_events WHERE tenant_id = p.tenant_id AND period_id = p.id) g
        WHERE p.tenant_id = app_tenant() AND p.status = 'closed'
          AND (g.event_count, g.units, g.events_sha256) IS DISTINCT FROM (p.event_count, p.units, p.events_sha256)
        UNION ALL
        SELECT p.id::text, p.starts_at::text, coalesce(before.ends_at::text, 'no period before it')
        FROM billing_periods p
        LEFT JOIN billing_periods before ON before.tenant_id = p.tenant_id AND before.number = p.number - 1
        WHERE p.tenant_id = app_tenant() AND p.number > 1 AND before.ends_at IS DISTINCT FROM p.starts_at
        """,  # noqa: S608 - constants of this module
    ),
    _check(
        "I6",
        "an issued invoice still has the content that was hashed, and the columns say what the content says",
        """
        SELECT number AS subject, encode(content_sha256, 'hex') AS expected, encode(sha256(content), 'hex') AS found
        FROM invoices WHERE tenant_id = app_tenant() AND (
          sha256(content) <> content_sha256
          OR (convert_from(content, 'UTF8')::jsonb ->> 'number', convert_from(content, 'UTF8')::jsonb ->> 'currency',
              replace(convert_from(content, 'UTF8')::jsonb ->> 'total', '.', '')::bigint)
            IS DISTINCT FROM (number, currency, total_minor))
        """,
    ),
    _check(
        "I9",
        "a settlement's gross is fee plus net, and the ledger says the same",
        """
        SELECT s.contract_id AS subject, s.gross_minor || ' = ' || s.fee_minor || ' + ' || s.net_minor AS expected,
          coalesce(e.gross::text, '-') || ' = ' || coalesce(e.fee::text, '-') || ' + ' || coalesce(e.net::text, '-')
            AS found
        FROM settlements s
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0) AS gross,
            coalesce(-sum(e.amount_minor) FILTER (WHERE a.code = 'platform_fee_revenue'), 0) AS fee,
            coalesce(-sum(e.amount_minor) FILTER (WHERE a.code = 'factory_payable'), 0) AS net
          FROM ledger_transactions t
          JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
          JOIN ledger_accounts a ON a.tenant_id = e.tenant_id AND a.id = e.account_id
          WHERE t.tenant_id = s.tenant_id AND t.ref = 'settlement:' || s.contract_id) e
        WHERE s.tenant_id = app_tenant() AND (
          s.gross_minor <> s.fee_minor + s.net_minor OR e.gross <> s.gross_minor
          OR s.role = 'partner' AND (e.fee <> s.fee_minor OR e.net <> s.net_minor))
        """,
    ),
    _check(
        "I10",
        "the numbers of a series have no gap",
        """
        SELECT s.series AS subject, s.last::text AS expected,
          count(i.id) || ' up to ' || coalesce(max(i.sequence), 0) AS found
        FROM invoice_series s
        LEFT JOIN invoices i ON i.tenant_id = s.tenant_id AND i.series = s.series
        WHERE s.tenant_id = app_tenant()
        GROUP BY s.series, s.last
        HAVING count(i.id) <> s.last OR coalesce(max(i.sequence), 0) <> s.last
        UNION ALL
        SELECT i.number, 'a counted series', i.series FROM invoices i
        WHERE i.tenant_id = app_tenant()
          AND NOT EXISTS (SELECT 1 FROM invoice_series s WHERE s.tenant_id = i.tenant_id AND s.series = i.series)
        """,
    ),
    _check(
        "I12",
        "no column near money is a float",
        """
        SELECT c.relname || '.' || a.attname AS subject, 'bigint or numeric' AS expected, t.typname::text AS found
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
          AND (c.relname LIKE 'ledger\\_%' OR c.relname LIKE 'invoice%' OR c.relname IN (
            'price_versions', 'billing_periods', 'usage_events', 'settlements', 'spend_limits'))
          AND t.typname IN ('float4', 'float8', 'money')
        """,
    ),
)
