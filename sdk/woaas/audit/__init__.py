"""Offline verification of audit bundles; it shares no code with the server that writes them."""

from .report import Problem, Report, Verdict
from .verifier import verify

__all__ = ["Problem", "Report", "Verdict", "verify"]
