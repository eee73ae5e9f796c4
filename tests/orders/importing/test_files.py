import gzip
import json
import zipfile

import openpyxl
import pytest
from django.conf import settings

from orders.rules.online_retail import ALIASES, COLUMNS
from orders.services.importing_files import (
    ColumnsMissing,
    ColumnsTwice,
    FileDamaged,
    FileEmpty,
    FileKindUnknown,
    FileNotCsv,
    FileNotReadable,
    FileNotUtf8,
    open_source,
    rows_of,
)
from tests.orders.importing.conftest import row

HEADING = ",".join(COLUMNS)
LINE = "1,A1,MUG,1,2011-01-10 10:00:00,2.50,7,UK"
SPECTRUM = settings.SHARED_DATA_DIR / "csv-spectrum"
MESSY = settings.SHARED_DATA_DIR / "messy-spreadsheets" / "frictionless"


@pytest.fixture
def file_with(tmp_path):
    """Return a function that writes bytes or text and returns the path."""

    def write(content, name="sales.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path, columns=COLUMNS, aliases=ALIASES):
    return list(rows_of(open_source(path), columns=columns, aliases=aliases))


WANTED = [(2, tuple(LINE.split(",")))]


@pytest.mark.parametrize(
    ("_case", "content"),
    [
        ("plain", f"{HEADING}\n{LINE}\n"),
        ("no newline at the end", f"{HEADING}\n{LINE}"),
        ("Windows", f"{HEADING}\r\n{LINE}\r\n"),
        ("byte order mark", f"\ufeff{HEADING}\n{LINE}\n"),
        ("semicolons", f"{HEADING}\n{LINE}\n".replace(",", ";")),
        ("tabs", f"{HEADING}\n{LINE}\n".replace(",", "\t")),
        ("small letters", f"{HEADING.lower()}\n{LINE}\n"),
        ("blanks around names", f"{HEADING.replace(',', ' , ')}\n{LINE}\n"),
        ("names of the second edition", f"{HEADING}\n{LINE}\n".replace("InvoiceNo", "Invoice").replace("UnitPrice", "Price").replace("CustomerID", "Customer ID")),
        ("a space before the heading's end", f"{HEADING} \n{LINE}\n"),
        ("blank lines at the end", f"{HEADING}\n{LINE}\n\n,,,,,,,\n"),
        ("another column", f"{HEADING},Note\n{LINE},x\n"),
    ],
)  # fmt: skip
def test_one_table_in_many_spellings(file_with, _case, content):
    assert read(file_with(content)) == WANTED
    assert read(file_with(gzip.compress(content.encode()), "sales.gz")) == WANTED


def test_columns_are_found_in_any_order(file_with):
    turned = ",".join(reversed(COLUMNS)), ",".join(reversed(LINE.split(",")))

    assert read(file_with("\n".join(turned))) == WANTED


def test_a_file_and_its_gzip_have_one_hash(file_with):
    text = f"{HEADING}\n{LINE}\n"
    plain = open_source(file_with(text))
    packed = open_source(file_with(gzip.compress(text.encode()), "sales.csv.gz"))

    assert plain.sha256 == packed.sha256


def test_a_row_of_another_width_has_no_cells(file_with):
    assert read(file_with(f"{HEADING}\n{LINE},9\n{LINE}\n")) == [
        (2, None),
        (3, WANTED[0][1]),
    ]


@pytest.mark.parametrize(
    ("_case", "content", "refusal", "sentence"),
    [
        ("nothing", b"", FileEmpty, "sales.csv holds no rows."),
        ("blanks", b"\n\n\n", FileEmpty, "sales.csv holds no rows."),
        (
            "other columns", b"a,b\n1,2\n", ColumnsMissing,
            "sales.csv lacks the columns InvoiceNo, StockCode, Description, Quantity,"
            " InvoiceDate, UnitPrice, CustomerID, Country. Its first line names: a, b.",
        ),
        (
            "one is missing", HEADING.replace("Quantity,", "").encode(), ColumnsMissing,
            "sales.csv lacks the columns Quantity. Its first line names: InvoiceNo,"
            " StockCode, Description, InvoiceDate, UnitPrice, CustomerID, Country.",
        ),
        (
            "one is there twice", f"{HEADING},quantity\n".encode(), ColumnsTwice,
            "sales.csv names the column Quantity twice. Remove one.",
        ),
        (
            "Latin-1", f"{HEADING}\n{LINE}\n{LINE}".encode() + b"\xa3", FileNotUtf8,
            "Line 3 of sales.csv is not UTF-8. Save it as CSV (UTF-8).",
        ),
        (
            "cut in a letter", f"{HEADING}\n{LINE}".encode() + b"\xc2", FileNotUtf8,
            "Line 2 of sales.csv is not UTF-8. Save it as CSV (UTF-8).",
        ),
        (
            "UTF-16", f"{HEADING}\n".encode("utf-16"), FileNotUtf8,
            "Line 1 of sales.csv is not UTF-8. Save it as CSV (UTF-8).",
        ),
        (
            "gzip cut short", gzip.compress(b"x" * 999, mtime=0)[:-6], FileDamaged,
            "sales.csv is damaged or cut short. Fetch it again.",
        ),
        (
            "gzip with a flipped byte",
            gzip.compress(LINE.encode(), mtime=0)[:20] + b"\0\0" + gzip.compress(LINE.encode(), mtime=0)[22:],
            FileDamaged, "sales.csv is damaged or cut short. Fetch it again.",
        ),
        (
            "zip cut short", b"PK\x03\x04nonsense", FileDamaged,
            "sales.csv is damaged or cut short. Fetch it again.",
        ),
        (
            "old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1", FileKindUnknown,
            "sales.csv is no table this shop reads. Save it as CSV (UTF-8) or XLSX.",
        ),
        (
            "one endless line", b"x" * (3 << 20), FileKindUnknown,
            "sales.csv is no table this shop reads. Save it as CSV (UTF-8) or XLSX.",
        ),
        (
            "a quotation mark that never closes",
            f'{HEADING}\n1,A1,"MUG\n{(LINE + chr(10)) * 9000}'.encode(), FileNotCsv,
            None,
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_gets_one_sentence(
    file_with, _case, content, refusal, sentence
):
    with pytest.raises(refusal) as refused:
        read(file_with(content))

    assert sentence is None or str(refused.value) == sentence


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(FileNotReadable, match="No such file"):
        open_source(tmp_path / "none.csv")
    with pytest.raises(FileNotReadable, match="directory"):
        open_source(tmp_path)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "sales.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sales.csv", HEADING)

    with pytest.raises(FileKindUnknown):
        open_source(path)


def test_a_table_may_begin_anywhere_on_its_sheet(tmp_path):
    path = tmp_path / "sales.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    for number, cells in [(3, ["id", "n"]), (4, ["a", 1.0]), (6, ["b", 2.5])]:
        for place, cell in enumerate(cells, 2):
            sheet.cell(number, place, cell)
    book.save(path)

    assert read(path, ["n", "id"], {}) == [(4, ("1", "a")), (6, ("2.5", "b"))]


def test_an_empty_sheet_holds_no_rows(tmp_path):
    path = tmp_path / "sales.xlsx"
    openpyxl.Workbook().save(path)

    with pytest.raises(FileEmpty):
        read(path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
        with archive.open("xl/sheet.xml", "w", force_zip64=True) as sheet:
            for _ in range(300):
                sheet.write(bytes(1 << 20))

    with pytest.raises(Exception, match="too large for a workbook"):
        open_source(path)


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    # The JSON beside location_coordinates.csv tells of another phone number.
    sorted(
        {p.name for p in SPECTRUM.glob("csvs/*.csv")} - {"location_coordinates.csv"}
    ),
)
def test_csv_spectrum_reads_as_its_authors_say(name):
    path = SPECTRUM / "csvs" / name
    wanted = json.loads((SPECTRUM / "json" / f"{path.stem}.json").read_text("utf-8"))
    columns = list(wanted[0])

    found = read(path, columns, {})

    assert [dict(zip(columns, cells, strict=True)) for _, cells in found] == [
        one for one in wanted if any(one.values())
    ]


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(p.name for p in MESSY.glob("*.*")))
def test_messy_files_get_a_sentence_not_a_crash(name):
    try:
        rows = read(MESSY / name, ["id"], {})
    except (
        ColumnsMissing, ColumnsTwice, FileDamaged, FileEmpty, FileKindUnknown,
        FileNotCsv, FileNotUtf8,
    ) as refusal:  # fmt: skip
        assert name in str(refusal)
    else:
        assert all(cells is None or len(cells) == 1 for _, cells in rows)


@pytest.mark.data
def test_a_workbook_reads_like_the_csv_of_the_same_month(online_retail):
    def december(rows):
        return [cells for _, cells in rows if cells[4].startswith("2010-12")]

    book = december(read(online_retail / "online_retail_2010-12.xlsx"))
    text = december(read(online_retail / "online_retail.csv.gz"))

    assert len(book) == 42_481

    def plain(cells):
        day = cells[4].replace("T", " ")
        return (
            *cells[:2],
            cells[2].strip(),
            int(cells[3]),
            day,
            float(cells[5]),
            cells[6],
        )

    assert [plain(c) for c in book] == [plain(c) for c in text]


def test_a_row_of_the_cast_has_every_column():
    assert len(row("1", "A1", "1", "1")) == len(COLUMNS)
