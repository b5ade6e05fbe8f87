"""Where the shared research data lie."""

import os
from pathlib import Path

from benchmarks.solver.results import ROOT

DATA = Path(os.environ.get("WOAAS_SHARED_DATA", ROOT.parent / "shared" / "data"))
