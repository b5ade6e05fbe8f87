"""New plans that delays and breakdowns led to, for a person to accept or reject."""
