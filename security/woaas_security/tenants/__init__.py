"""Tenants and the settings a transaction enters with."""
