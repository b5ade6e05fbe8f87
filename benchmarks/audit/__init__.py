"""What the audit log costs, and how fast it proves and is verified."""
