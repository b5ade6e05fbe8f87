"""The report of a bundle for somebody who reads on paper: what it covers, who did what, and how to check it.

Memory is bounded: of a long log the first entries are listed, all of them are counted, and the report says so.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Preformatted, SimpleDocTemplate, Table, TableStyle

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

    from woaas_security.audit.bundle import ExportedEntry

LISTED_ENTRIES = 1_000
LISTED_SIGNATURES = 200
LISTED_COUNTS = 40
_ROWS_AT_ONCE = 50  # A table is laid out as a whole; many small ones take time in proportion.
# Chinese without a font file: the reader's viewer has the glyphs of this one, as PDF has always asked of it.
_HAN, _LATIN, _MONO = "STSong-Light", "Helvetica", "Courier"
_WIDTHS = [11 * mm, 35 * mm, 50 * mm, 36 * mm, 44 * mm, 10 * mm]
_SIGNED_WIDTHS = [14 * mm, 36 * mm, 34 * mm, 30 * mm, 72 * mm]
_GRID = [
    ("FONTSIZE", (0, 0), (-1, -1), 7),
    ("LEADING", (0, 0), (-1, -1), 8.5),
    ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
    ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
    ("LEFTPADDING", (0, 0), (-1, -1), 1),
]
_VERIFY = (
    "This report is for reading and proves nothing by itself. The zip that it came in holds every entry byte for byte "
    "with its proofs: <b>pip install woaas</b>, then <b>woaas audit verify BUNDLE.zip --vkey KEY.txt</b>, on any "
    "machine, without network or account. Take the key from a place other than the bundle, and keep checkpoint.txt: a "
    "later bundle must prove that the log only grew since. VERIFY.md in the zip says what is computed."
)


class PDFReport:
    """`report.pdf`."""

    name = "report.pdf"

    def __init__(self, checkpoint: str) -> None:
        self._checkpoint = checkpoint
        self._types: Counter[str] = Counter()
        self._actors: Counter[str] = Counter()
        self._rows: list[list[str]] = []
        self._signatures: list[list[str]] = []
        self._entries = self._withheld = 0

    def add(self, entry: "ExportedEntry") -> None:
        """Count an entry, and list it while there is room."""
        self._entries += 1
        if entry.leaf is None:
            self._withheld += 1
            self._list([str(entry.index), "", "", "withheld from whoever asked", "", ""])
            return
        content: dict[str, Any] = json.loads(entry.leaf)
        actor = f"{content['actor'].get('type', '')} {content['actor'].get('id', '')}"
        self._types[content["type"]] += 1
        self._actors[actor] += 1
        after = content["version"][1]
        what = [content["at"], actor, content["type"], content["subject"], "" if after is None else str(after)]
        self._list([str(entry.index), *what])
        if content["type"] == "signature.created" and len(self._signatures) < LISTED_SIGNATURES:
            opened = {one.field: one.value for one in entry.openings}
            data = content["data"]
            name, meaning = str(opened.get("signer_name") or "(not shown)"), str(data.get("meaning", ""))
            signed = f"{data.get('subject', '')}, SHA-256 {data.get('record_sha256', '')}"
            self._signatures.append([str(entry.index), content["at"], name, meaning, signed])

    def finish(self, manifest: Mapping[str, Any]) -> IO[bytes]:
        """The report."""
        pdfmetrics.registerFont(UnicodeCIDFont(_HAN))
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        margin = 12 * mm
        document = SimpleDocTemplate(
            file,
            pagesize=A4,
            title=f"Audit report {manifest['tenant']}",
            author=manifest["origin"],
            leftMargin=margin,
            rightMargin=margin,
            topMargin=margin,
            bottomMargin=18 * mm,
            pageCompression=0,  # The zip around it is compressed.
            invariant=1,  # One export is one sequence of bytes, whenever it is written.
        )
        foot = f"{manifest['origin']} · [{manifest['first_index']}, {manifest['end_index']})"
        document.build(self._story(manifest), canvasmaker=lambda *args, **kw: _Numbered(foot, *args, **kw))
        return file

    def _list(self, row: list[str]) -> None:
        if len(self._rows) < LISTED_ENTRIES:
            self._rows.append(row)

    def _story(self, manifest: Mapping[str, Any]) -> "list[Flowable]":
        return [
            _text("Audit report", size=18, space=6),
            *_facts(manifest, self._entries, self._withheld, root=self._checkpoint.split("\n")[2]),
            _text("Checkpoint", size=12, space=8),
            Preformatted(
                self._checkpoint, ParagraphStyle("note", fontName=_MONO, fontSize=6.5, leading=8), maxLineLength=120
            ),
            _text("Entries by action", size=12, space=8),
            *_counts(self._types),
            _text("Entries by actor", size=12, space=8),
            *_counts(self._actors),
            *self._signed(),
            _text("Entries", size=12, space=8),
            *self._listed(),
            _text("How to verify", size=12, space=8),
            Paragraph(_VERIFY, _style(9)),
            _text("SHA-256 of the other files of this bundle", size=12, space=8),
            *_tables(["file", "SHA-256"], sorted(map(list, manifest["sha256"].items())), [50 * mm, 136 * mm]),
        ]

    def _signed(self) -> "list[Flowable]":
        if not self._signatures:
            return []
        head = ["index", "time", "signed by", "meaning", "record"]
        story = [
            _text("Electronic signatures given", size=12, space=8),
            *_tables(head, self._signatures, _SIGNED_WIDTHS),
        ]
        given = self._types["signature.created"]
        if given > len(self._signatures):
            story.append(_text(f"Of {given} signatures the first {len(self._signatures)} are listed."))
        return story

    def _listed(self) -> "list[Flowable]":
        story: list[Flowable] = []
        if self._entries > len(self._rows):
            more = f"Only the first {len(self._rows):,} of {self._entries:,} entries are listed here; "
            story.append(_text(f"{more}entries.jsonl in the zip has them all.", size=9))
        return [*story, *_tables(["index", "time", "actor", "action", "object", "version"], self._rows, _WIDTHS)]


class _Numbered(Canvas):
    """Writes `page n of m` on every page once it is known how many there are."""

    def __init__(self, foot: str, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._foot = foot
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page for later."""
        self._pages.append(dict(self.__dict__))
        self._startPage()  # pyright: ignore[reportAttributeAccessIssue] - ReportLab's own, which has no types

    def save(self) -> None:
        """Number the pages and write them."""
        for number, page in enumerate(self._pages, 1):
            self.__dict__.update(page)
            self.setFont(_LATIN, 7)
            self.drawString(12 * mm, 9 * mm, self._foot)
            self.drawRightString(A4[0] - 12 * mm, 9 * mm, f"page {number} of {len(self._pages)}")
            super().showPage()
        super().save()


def _facts(manifest: Mapping[str, Any], entries: int, withheld: int, *, root: str) -> "list[Flowable]":
    first, end = manifest["first_index"], manifest["end_index"]
    if manifest["filter"] is None:
        cover = f"every entry of [{first}, {end}), without a gap"
    else:
        asked = ", ".join(f"{name} = {value}" for name, value in manifest["filter"].items())
        cover = (
            f"a selection from [{first}, {end}) by a filter: {asked}. Each entry is proved to be in the log; "
            "that the filter left none out is not proved and cannot be."
        )
    rows = [
        ["Tenant", manifest["tenant"]],
        ["Log", manifest["origin"]],
        ["Covers", cover],
        ["Asked for", json.dumps(manifest["requested"], ensure_ascii=False)],
        ["Entries", f"{entries:,}, of which {withheld:,} are withheld from whoever asked"],
        ["Log size", f"{manifest['tree_size']:,} entries when the checkpoint was signed"],
        ["Root", root],
    ]
    return _tables(["", ""], rows, [26 * mm, 160 * mm], is_headed=False)


def _counts(counts: Counter[str]) -> "list[Flowable]":
    rows = [[name, f"{number:,}"] for name, number in counts.most_common(LISTED_COUNTS)]
    if len(counts) > LISTED_COUNTS:
        rest = sum(counts.values()) - sum(number for _, number in counts.most_common(LISTED_COUNTS))
        rows.append([f"{len(counts) - LISTED_COUNTS:,} others", f"{rest:,}"])
    return _tables(["", "entries"], rows, [110 * mm, 30 * mm])


def _tables(
    head: list[str], rows: Sequence[list[str]], widths: list[float], *, is_headed: bool = True
) -> "list[Flowable]":
    made: list[Flowable] = []
    for start in range(0, max(len(rows), 1), _ROWS_AT_ONCE):
        part = [[_cell(text) for text in row] for row in rows[start : start + _ROWS_AT_ONCE]]
        content = [head, *part] if is_headed else part
        made.append(Table(content, widths, repeatRows=int(is_headed), style=TableStyle(_GRID), hAlign="LEFT"))
    return made


def _cell(text: str) -> Paragraph:
    return Paragraph(_marked(text), _style(7))


def _text(text: str, *, size: float = 9, space: float = 0) -> Paragraph:
    return Paragraph(_marked(text), _style(size, space))


def _style(size: float, space: float = 0) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}",
        fontName=_LATIN,
        fontSize=size,
        leading=size * 1.22,
        spaceBefore=space,
        spaceAfter=space / 2,
        splitLongWords=1,
    )


def _marked(text: str) -> str:
    """Text with the font that has its letters; what no font of a PDF has is shown as a box."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        plain = "".join(char if char <= "\uffff" else "\u25a1" for char in text)
        return f'<font name="{_HAN}">{escape(plain)}</font>'
    return escape(text)
