"""Electronic signatures: who stands behind a record, bound to what it said."""
