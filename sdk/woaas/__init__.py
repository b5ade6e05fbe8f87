"""Python client of WOaaS."""
