import csv
import io
from pathlib import Path

import pytest
from django.utils import translation

from orders.rules import online_retail
from orders.rules.online_retail import Issue
from orders.services.importing_report import _CODES, safe_cell, write_report


def report(*issues):
    file = io.StringIO()
    assert write_report(issues, file=file) == len(issues)
    return list(csv.reader(io.StringIO(file.getvalue())))


def test_a_line_tells_where_what_why_and_what_to_do():
    with translation.override("en"):
        heading, line = report(Issue(8, "Quantity", "zero", "0", "536365"))

    assert dict(zip(heading, line, strict=True)) == {
        "line": "8",
        "outcome": "left out",
        "invoice": "536365",
        "column": "Quantity",
        "value": "0",
        "reason": "No unit changed hands.",
        "what to do": "Correct the quantity or drop the row.",
    }


def test_a_stored_row_is_told_from_one_left_out():
    with translation.override("en"):
        _, line = report(Issue(8, "UnitPrice", "price_rounded", "0.001", "1", True))

    assert line[1] == "stored"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1+1", "'-1+1"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("-10", "-10"),
        ("+2.5", "+2.5"),
        ("MUG = RED", "MUG = RED"),
    ],
)
def test_no_cell_is_a_formula(text, cell):
    assert safe_cell(text) == cell
    _, line = report(Issue(8, "StockCode", "empty", text, text))
    assert (line[2], line[4]) == (cell, cell)


def test_every_code_has_its_sentences():
    source = Path(online_retail.__file__).read_text(encoding="utf-8")
    in_sql = {"another_customer", "already_there", "wrong_number_of_cells"}

    for code in set(_CODES) - in_sql:
        assert f'"{code}"' in source, f"{code} is never given"
    for code in _CODES:
        reason, advice = _CODES[code]
        assert str(reason).endswith(".")
        assert str(advice).endswith(".")
