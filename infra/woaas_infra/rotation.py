"""Keeps log files from filling the disk."""

from pathlib import Path

LARGEST_BYTES = 10_000_000


def rotate(log: Path, largest_bytes: int = LARGEST_BYTES) -> bool:
    """Put a log that has grown too large aside as ``<name>.1``, replacing the one put aside before."""
    if not log.exists() or log.stat().st_size < largest_bytes:
        return False
    log.replace(log.with_name(f"{log.name}.1"))
    return True
