"""What ``up`` says on the terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table


class Progress:
    """Steps with their time, notices and the final panel; plain lines where there is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    @contextmanager
    def step(self, doing: str, done: str) -> Iterator[None]:
        """Show what is going on, then that it is done and how long it took."""
        began = time.monotonic()
        with self._console.status(f"{doing} …"):
            yield
        self._console.print(f"[green]✓[/green] {done} [dim]{time.monotonic() - began:.1f} s[/dim]")

    def notice(self, line: str) -> None:
        """Something the operator should know while everything goes on."""
        self._console.print(f"[yellow]![/yellow] {line}", markup=True)

    def ready(
        self, *, url: str, home: Path, credentials: Path, try_next: Sequence[str], result: str | None = None
    ) -> None:
        """The panel that says what was done, where things are and what to do first."""
        table = Table.grid(padding=(0, 2))
        if result:
            table.add_row("[bold]Result[/bold]", result)
        table.add_row("[bold]Open[/bold]", f"[link={url}]{url}[/link]")
        if credentials.exists():
            table.add_row("Keys", str(credentials))
        table.add_row("Data", f"{home}  [dim](logs in {home / 'logs'})[/dim]")
        for number, line in enumerate(try_next, start=1):
            table.add_row("Try" if number == 1 else "", f"{number}. {line}")
        table.add_row("Stop", "Ctrl-C")
        self._console.print(Panel(table, title="WOaaS is ready", border_style="green", expand=False))
