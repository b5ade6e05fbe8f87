"""What a spreadsheet must not take for a formula."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def guarded(cell: str) -> str:
    """A cell of a CSV file with an apostrophe in front where it begins like a formula (OWASP, CSV Injection)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
