"""`python -m benchmarks.solver [NAME...]`: run the measurements named, or all of them in order.

FULL=1 measures the full sets instead of the named subsets and goes on where an earlier run stopped.
"""

import importlib
import importlib.util
import sys

PARTS = {
    "shops": "benchmarks.solver.shops",
    "factory": "benchmarks.solver.factory",
    "inquiry": "benchmarks.solver.inquiry",
    "log": "benchmarks.solver.log",
    "farm": "benchmarks.solver.farm",
}


def main(names: list[str]) -> int:
    """Run each part's ``main``."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        if importlib.util.find_spec(PARTS[name]) is None:
            print(f"{name}: not written yet\n")
            continue
        importlib.import_module(PARTS[name]).main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
