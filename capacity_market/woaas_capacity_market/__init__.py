"""Overflow operations meet partner factories: listings, requests, matching, contracts and settlement."""
