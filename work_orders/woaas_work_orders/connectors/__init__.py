"""Connectors: machine data from brokers, as states of work centers and reports of operations."""
