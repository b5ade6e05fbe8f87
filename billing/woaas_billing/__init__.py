"""What a processed order costs: metering, pricing, ledger, invoices and the settlements of the market."""
