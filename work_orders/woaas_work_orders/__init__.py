"""The domain: work orders, operations, reports, and the plant and people they need."""
