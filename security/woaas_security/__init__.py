"""Tenants, identities, field permissions (Casbin) and the verifiable audit log."""
