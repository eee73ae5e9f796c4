"""Files with rows: CSV, gzipped CSV and XLSX, read as a stream of text cells.

A file is gone through twice: once for its hash, its encoding and its end, so that a
broken one is refused before anything is written; once for its rows.
"""

import codecs
import csv
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _
from python_calamine import CalamineError, CalamineWorkbook

from crm.shared.errors import Refusal

_BLOCK = 1 << 20
#: A line longer than this is no table; a workbook unpacked beyond that is a bomb.
_LONGEST_LINE = 1 << 20
_LARGEST_WORKBOOK = 256 << 20
_DELIMITERS = ",;\t|"


class FileNotReadable(Refusal):
    """The file cannot be opened."""

    code = "file_not_readable"
    status = 422
    message = _("%(file)s cannot be opened: %(why)s")


class FileEmpty(Refusal):
    """The file holds no rows."""

    code = "file_empty"
    status = 422
    message = _("%(file)s holds no rows.")


class FileDamaged(Refusal):
    """The archive or workbook is damaged or cut short."""

    code = "file_damaged"
    status = 422
    message = _("%(file)s is damaged or cut short. Fetch it again.")


class FileKindUnknown(Refusal):
    """This is no CSV, gzipped CSV or XLSX file."""

    code = "file_kind_unknown"
    status = 422
    message = _("%(file)s is no table this shop reads. Save it as CSV (UTF-8) or XLSX.")


class FileTooLarge(Refusal):
    """The workbook is too large to open."""

    code = "file_too_large"
    status = 422
    message = _("%(file)s is too large for a workbook. Save it as CSV (UTF-8).")


class FileNotUtf8(Refusal):
    """The text is not UTF-8."""

    code = "file_not_utf8"
    status = 422
    message = _("Line %(line)s of %(file)s is not UTF-8. Save it as CSV (UTF-8).")


class FileNotCsv(Refusal):
    """A line cannot be read as CSV."""

    code = "file_not_csv"
    status = 422
    message = _(
        "%(file)s cannot be read as CSV from line %(line)s on. Look for a quotation "
        "mark that is not closed."
    )


class ColumnsMissing(Refusal):
    """Columns are missing."""

    code = "columns_missing"
    status = 422
    message = _(
        "%(file)s lacks the columns %(missing)s. Its first line names: %(present)s."
    )


class ColumnsTwice(Refusal):
    """A column is there twice."""

    code = "columns_twice"
    status = 422
    message = _("%(file)s names the column %(column)s twice. Remove one.")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was gone through once and is whole.

    ``sha256`` is of the unpacked content; ``lines`` is at least its number of rows.
    """

    path: Path
    kind: str
    sha256: str
    lines: int

    @property
    def name(self) -> str:
        """Return the file's name without its folder."""
        return self.path.name


def open_source(path: Path) -> SourceFile:
    """Go through a file once.

    Raises:
        FileNotReadable, FileEmpty, FileDamaged, FileKindUnknown, FileTooLarge,
        FileNotUtf8: as they say; nothing was written.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise FileNotReadable(file=path.name, why=error.strerror or "?") from None
    if not head:
        raise FileEmpty(file=path.name)
    kind = _kind(head, path)
    if kind == "xlsx":
        return _checked_workbook(path)
    return _checked_text(path, kind)


def _kind(head: bytes, path: Path) -> str:
    """Tell by the first bytes; names lie."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"BZh", b"\xfd7zXZ")):
        raise FileKindUnknown(file=path.name)
    return "csv"


def _checked_workbook(path: Path) -> SourceFile:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            if "xl/workbook.xml" not in archive.namelist():
                raise FileKindUnknown(file=path.name)
    except (zipfile.BadZipFile, OSError):
        raise FileDamaged(file=path.name) from None
    if unpacked > _LARGEST_WORKBOOK:
        raise FileTooLarge(file=path.name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    lines = sum(sheet.total_height for sheet in _sheets(path))
    return SourceFile(path, "xlsx", digest, lines)


def _checked_text(path: Path, kind: str) -> SourceFile:
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = since_newline = 0
    try:
        with _bytes(path, kind) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                if b"\n" in block:
                    since_newline = len(block) - block.rfind(b"\n")
                else:
                    since_newline += len(block)
                if since_newline > _LONGEST_LINE:
                    raise FileKindUnknown(file=path.name)
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    line = lines + block[: error.start].count(b"\n") + 1
                    raise FileNotUtf8(file=path.name, line=line) from None
                lines += block.count(b"\n")
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileNotUtf8(file=path.name, line=lines + 1) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileDamaged(file=path.name) from None
    return SourceFile(path, kind, digest.hexdigest(), lines)


def _bytes(path: Path, kind: str) -> Any:
    return gzip.open(path, "rb") if kind == "gzip" else path.open("rb")


def rows_of(
    source: SourceFile, *, columns: Sequence[str], aliases: dict[str, str]
) -> Iterator[tuple[int, tuple[str, ...] | None]]:
    """Yield each row's line in the file and its cells in the order of ``columns``.

    The heading is the first line that is not blank. Its names are found in any order
    and letter case; other columns are passed over, blank rows too. The cells are None
    where a row has another number of cells than the heading.

    Raises:
        FileEmpty, FileNotCsv, ColumnsMissing, ColumnsTwice: before the first row, but
            for FileNotCsv, which may come at any row.
    """
    if source.kind == "xlsx":
        yield from _workbook_rows(source, columns, aliases)
    else:
        with _csv_lines(source) as lines:
            yield from _picked(source, lines, columns, aliases)


@contextmanager
def _csv_lines(source: SourceFile) -> Iterator[Iterator[tuple[int, list[str]]]]:
    with (
        _bytes(source.path, source.kind) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text,
    ):
        first = text.readline()
        delimiter = max(_DELIMITERS, key=first.count)
        text.seek(0)
        yield _numbered(source, csv.reader(text, delimiter=delimiter))


def _numbered(source: SourceFile, reader: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:
        raise FileNotCsv(file=source.name, line=reader.line_num) from None


def _picked(source, lines, columns, aliases):
    heading: list[str] = []
    for _number, heading in lines:
        if any(cell.strip() for cell in heading):
            break
    else:
        raise FileEmpty(file=source.name)
    places = _places(source, heading, columns, aliases)
    width, straight = len(heading), places == list(range(len(heading)))
    for number, cells in lines:
        if len(cells) == width:
            if any(cells):
                yield (
                    number,
                    tuple(cells if straight else [cells[p] for p in places]),
                )
        elif any(cell.strip() for cell in cells):
            yield number, None


def _places(source, heading, columns, aliases) -> list[int]:
    """Return where each column stands.

    Raises:
        ColumnsMissing, ColumnsTwice: the heading does not tell.
    """
    wanted = {name.casefold(): name for name in columns} | aliases
    found: dict[str, int] = {}
    for place, cell in enumerate(heading):
        name = wanted.get(cell.strip().casefold())
        if name in found:
            raise ColumnsTwice(file=source.name, column=name)
        if name:
            found[name] = place
    missing = [name for name in columns if name not in found]
    if missing:
        present = [cell.strip()[:40] for cell in heading if cell.strip()]
        raise ColumnsMissing(
            file=source.name,
            missing=", ".join(missing),
            present=", ".join(present[:20]),
        )
    return [found[name] for name in columns]


def _sheets(path: Path) -> list[Any]:
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        return [workbook.get_sheet_by_name(name) for name in workbook.sheet_names][:1]
    except (CalamineError, OSError, ValueError):
        raise FileDamaged(file=path.name) from None


def _workbook_rows(source, columns, aliases):
    sheets = _sheets(source.path)
    if not sheets:
        raise FileEmpty(file=source.name)
    lines = (
        (number, [_text(cell) for cell in cells])
        for number, cells in enumerate(sheets[0].iter_rows(), 1)
    )
    yield from _picked(source, lines, columns, aliases)


def _text(cell: Any) -> str:
    """Return a workbook's cell as a CSV would hold it."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        # Days are floats in workbooks: a minute may be a microsecond off.
        return (cell + timedelta(milliseconds=500)).replace(microsecond=0).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
