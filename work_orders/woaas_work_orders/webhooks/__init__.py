"""Webhooks: who wants to hear of what, and what is on its way to him."""
