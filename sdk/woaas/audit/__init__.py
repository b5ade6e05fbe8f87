"""Offline verification of audit bundles."""
