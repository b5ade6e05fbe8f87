"""Figures as Markdown tables, to be read in a terminal and pasted into a page."""

from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand to the right, fractions get two digits, None is a dash."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(column), *(len(row[i]) for row in cells), 3) for i, column in enumerate(columns)]
    right = [
        bool(rows) and all(isinstance(row[i], (int, float, type(None))) for row in rows) for i in range(len(columns))
    ]
    lines = [columns, [("-" * (w - 1) + ":") if r else "-" * w for w, r in zip(widths, right, strict=True)], *cells]
    print(f"### {title}\n")
    for line in lines:
        padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        print(f"| {' | '.join(padded)} |")
    print(flush=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
