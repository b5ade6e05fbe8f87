"""What a processed order costs: metering, pricing, ledger and invoices."""
