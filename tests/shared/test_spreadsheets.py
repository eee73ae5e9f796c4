from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.spreadsheets import plain_cell, safe_cell


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\x00", "＝", "＋", "－", "＠"]
)
def test_no_cell_begins_like_a_formula(sign):
    assert safe_cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"


@pytest.mark.parametrize("text", ["", "绿茶", "12.30", "-5", "-12.30", "a=b", "a'b"])
def test_harmless_cells_stay_as_they_are(text):
    assert safe_cell(text) == text


@pytest.mark.parametrize("text", ["-", "--1", "-1+1", "-1e5", "-.5", "-1\n"])
def test_only_a_plain_number_may_begin_with_a_minus(text):
    assert safe_cell(text) == f"'{text}"


@given(st.text().map(str.strip))
def test_a_cell_comes_back_as_it_went_out(text):
    assert plain_cell(safe_cell(text)) == text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (17, "17"),
        (17.0, "17"),
        (1.5, "1.5"),
        (date(1990, 2, 28), "1990-02-28"),
        (datetime(1990, 2, 28, tzinfo=UTC), "1990-02-28"),
        (" x ", "x"),
    ],
)
def test_cells_of_workbooks_are_read_as_text(cell, text):
    assert plain_cell(cell) == text
