"""The version of the client, sent as its user agent."""

__version__ = "0.1.0"
