"""What is kept of a deleted tenant, and why. Every other table of tenants is emptied, whichever comes to be."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Table

_PROOF = "Hashes and signatures: what the tenant took with it can still be proven, and nothing can be read from it."
_BOOKS = "Commercial and tax law: invoices and books, by ids and amounts, without what was made or for whom."

KEPT: Mapping[str, str] = {
    **dict.fromkeys(("log", "log_head", "tile", "checkpoint", "cosignature"), _PROOF),
    **dict.fromkeys(("billing_periods", "invoices", "invoice_lines", "invoice_series"), _BOOKS),
    **dict.fromkeys(("ledger_accounts", "ledger_transactions", "ledger_entries", "settlements"), _BOOKS),
    "tenants": "That there was a tenant of this id, by no name.",
    "tenant_deletions": "This certificate.",
    "reader_cursor": "How far the log was followed: numbers.",
}


def destroyed(tables: Iterable[Table]) -> list[str]:
    """The tables to empty, those that refer to others first. ``tables`` come with referred ones first.

    Rows that two tenants share are the other's as well and stay.
    """
    ours = [str(t.name) for t in tables if "tenant" in t.info and t.name not in KEPT]
    return ours[::-1]
