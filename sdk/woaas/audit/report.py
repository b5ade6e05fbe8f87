"""What a verification found, and the exit code that says so."""

from dataclasses import asdict, dataclass, field
from enum import IntEnum

MAX_PROBLEMS = 20


class Verdict(IntEnum):
    """The outcome; its value is the exit code of `woaas audit verify`."""

    OK = 0
    INVALID = 1
    MALFORMED = 2
    UNKNOWN_KEY = 3


class Rejected(Exception):
    """Verification cannot go on: the bundle is refused with `verdict`."""

    verdict = Verdict.INVALID


class Malformed(Rejected):
    """Something is not written as the bundle format demands, so nothing can be said about what it claims."""

    verdict = Verdict.MALFORMED


class TooManyProblems(Exception):
    """So many problems are found that more would not help."""


class UnknownKey(Rejected):
    """None of the known keys signed the checkpoint."""

    verdict = Verdict.UNKNOWN_KEY


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to refuse a bundle; `index` is the log index of the entry concerned, where it concerns one."""

    verdict: Verdict
    file: str
    reason: str
    index: int | None = None

    def __str__(self) -> str:
        place = self.file if self.index is None else f"{self.file}, entry {self.index}"
        return f"{self.verdict.name.lower().replace('_', ' ')}: {place}: {self.reason}"


@dataclass(slots=True)
class Report:
    """The result of `verify`; `str(report)` is what a person reads."""

    origin: str = ""
    tenant: str = ""
    first_index: int = 0
    end_index: int = 0
    tree_size: int = 0
    root: bytes = b""
    complete: bool = False
    entries: int = 0
    withheld: int = 0
    opened: int = 0
    sealed: int = 0
    erased: int = 0
    key_pinned: bool = False
    signed_by: tuple[str, ...] = ()
    witnessed_by: tuple[str, ...] = ()
    checkpoints: int = 0
    silent: tuple[tuple[int, int], ...] = ()
    consistent_from: tuple[int, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, file: str, reason: str, index: int | None = None, verdict: Verdict = Verdict.INVALID) -> None:
        """Note a problem and go on, to find the others.

        Raises:
            TooManyProblems: this was the last that is worth reporting.
        """
        self.problems.append(Problem(verdict, file, reason, index))
        if len(self.problems) >= MAX_PROBLEMS:
            raise TooManyProblems

    @property
    def verdict(self) -> Verdict:
        """A disproved claim weighs most, then an unknown key, then bad form."""
        found = {problem.verdict for problem in self.problems}
        order = (Verdict.INVALID, Verdict.UNKNOWN_KEY, Verdict.MALFORMED)
        return next((verdict for verdict in order if verdict in found), Verdict.OK)

    @property
    def ok(self) -> bool:
        """Whether everything that the bundle claims is proved under the key used."""
        return self.verdict is Verdict.OK

    @property
    def exit_code(self) -> int:
        """0 ok, 1 invalid, 2 malformed, 3 unknown key."""
        return int(self.verdict)

    def to_dict(self) -> dict[str, object]:
        """The report as JSON values, for programs."""
        return {
            "verdict": self.verdict.name.lower(),
            **{name: value for name, value in asdict(self).items() if name != "problems"},
            "root": self.root.hex(),
            "problems": [
                {"verdict": one.verdict.name.lower(), "file": one.file, "index": one.index, "reason": one.reason}
                for one in self.problems
            ],
        }

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.ok:
            kind = "every entry" if self.complete else "a filtered selection"
            lines.append(
                f"ok: {self.entries} entries, {kind} of [{self.first_index}, {self.end_index}) of {self.origin}"
            )
            lines.append(f"tree size {self.tree_size}, root {self.root.hex()}")
            lines.extend(f"consistent with the checkpoint of size {size}" for size in self.consistent_from)
            lines.append(f"{self.opened} committed values opened, {self.sealed} sealed (withheld or erased)")
            if self.erased:
                lines.append(
                    f"erased ({self.erased} fields): entries of the log say that their openings were destroyed"
                )
            if self.withheld:
                lines.append(
                    f"{self.withheld} entries withheld: their place in the log is proved, their content unseen"
                )
            if self.checkpoints:
                lines.append(f"{self.checkpoints} checkpoints within the range agree with the entries")
            lines.extend(f"signed by {vkey}" for vkey in self.signed_by)
            lines.extend(f"cosigned by {vkey}" for vkey in self.witnessed_by)
        return "\n".join([*lines, *self.notes])
