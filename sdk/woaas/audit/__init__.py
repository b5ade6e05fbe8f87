"""Offline verification of audit bundles; it shares no code with the server that writes them."""

from .report import Problem, Rejected, Report, Verdict
from .single import ProvedEntry, verify_entry
from .verifier import verify

__all__ = ["Problem", "ProvedEntry", "Rejected", "Report", "Verdict", "verify", "verify_entry"]
