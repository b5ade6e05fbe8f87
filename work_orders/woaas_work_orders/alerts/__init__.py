"""Alerts: what needs a person, until its cause is gone. Parts say what they find; this keeps one row for each."""
