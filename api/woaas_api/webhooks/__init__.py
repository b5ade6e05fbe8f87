"""Webhooks out: Standard Webhooks 1.0."""
