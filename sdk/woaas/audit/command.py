"""What `woaas audit verify` does."""

import sys
from pathlib import Path
from typing import TextIO

from .report import Verdict
from .verifier import verify


def run(
    bundle: str | Path,
    *,
    vkey: str | Path | None = None,
    checkpoint: str | Path | None = None,
    out: TextIO | None = None,
) -> int:
    """Verify a bundle, write the report to `out` (standard output) and return the exit code.

    Args:
        vkey: a file with trusted verifier keys, one a line.
        checkpoint: a file with a signed checkpoint kept from before.
    """
    out = sys.stdout if out is None else out
    try:
        keys = Path(vkey).read_text(encoding="utf-8").splitlines() if vkey is not None else None
        earlier = Path(checkpoint).read_bytes() if checkpoint is not None else None
        report = verify(bundle, vkeys=keys, earlier_checkpoint=earlier)
    except (OSError, UnicodeDecodeError) as error:
        out.write(f"malformed: {error}\n")
        return int(Verdict.MALFORMED)
    out.write(f"{report}\n")
    return report.exit_code
