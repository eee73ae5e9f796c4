from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.online_retail import (
    Issue,
    RowReader,
    kind_of_invoice,
    kind_of_sku,
)
from tests.orders.importing.conftest import row

LATEST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def reader():
    return RowReader(digits=2, zone=ZoneInfo("Asia/Shanghai"), latest=LATEST)


def test_a_row_is_read_in_minor_units_and_utc(reader):
    cells = row("536365", "85123A", "6", "2.55", name="  HEART\tHOLDER ")

    found, issues = reader.read(2, cells)

    assert issues == []
    assert found.kind == "order"
    assert (found.quantity, found.price_minor) == (6, 255)
    assert found.at == datetime(2011, 1, 10, 2, tzinfo=UTC)  # 10:00 in Shanghai
    assert (found.description, found.customer) == ("HEART HOLDER", "17850")


@pytest.mark.parametrize(
    ("sku", "kind"),
    [
        ("85123A", "goods"),
        ("85123a", "goods"),
        ("DCGSSGIRL", "goods"),
        ("POST", "freight"),
        ("DOT", "freight"),
        ("C2", "freight"),
        ("post", "goods"),
        ("M", "fee"),
        ("m", "fee"),
        ("D", "fee"),
        ("S", "fee"),
        ("B", "fee"),
        ("BANK CHARGES", "fee"),
        ("AMAZONFEE", "fee"),
        ("CRUK", "fee"),
        ("PADS", "fee"),
        ("gift_0001_50", "gift_card"),
        ("gift", "goods"),
    ],
)
def test_some_codes_are_no_goods(sku, kind):
    assert kind_of_sku(sku) == kind


@pytest.mark.parametrize(
    ("invoice", "kind"),
    [
        ("536365", "order"),
        ("C536379", "return"),
        ("A563185", "adjustment"),
        ("CASH", "order"),
        ("A", "order"),
        ("c536379", "order"),
    ],
)
def test_the_first_letter_tells_what_an_invoice_is(invoice, kind):
    assert kind_of_invoice(invoice) == kind


@pytest.mark.parametrize(
    ("_case", "cells", "column", "code"),
    [
        ("no invoice", row(" ", "A1", "1", "1"), "InvoiceNo", "empty"),
        ("long invoice", row("9" * 37, "A1", "1", "1"), "InvoiceNo", "too_long"),
        ("no code", row("1", "", "1", "1"), "StockCode", "empty"),
        ("no quantity", row("1", "A1", "", "1"), "Quantity", "empty"),
        ("half", row("1", "A1", "1.5", "1"), "Quantity", "not_a_whole_number"),
        ("word", row("1", "A1", "six", "1"), "Quantity", "not_a_whole_number"),
        ("Arabic", row("1", "A1", "٣", "1"), "Quantity", "not_a_whole_number"),
        ("none", row("1", "A1", "0", "1"), "Quantity", "zero"),
        ("no price", row("1", "A1", "1", ""), "UnitPrice", "empty"),
        ("NaN", row("1", "A1", "1", "NaN"), "UnitPrice", "not_a_number"),
        ("infinite", row("1", "A1", "1", "Infinity"), "UnitPrice", "not_a_number"),
        ("comma", row("1", "A1", "1", "2,55"), "UnitPrice", "not_a_number"),
        ("huge", row("1", "A1", "1", "1e90"), "UnitPrice", "amount_too_large"),
        ("much", row("1", "A1", "999999999", "9999999"), "UnitPrice", "amount_too_large"),
        ("below zero", row("1", "A1", "1", "-1"), "UnitPrice", "negative_price"),
        ("fine", row("1", "A1", "100", "0.005"), "UnitPrice", "price_too_fine"),
        ("half a cent", row("1", "A1", "1", "0.005"), "UnitPrice", "price_too_fine"),
        ("no date", row("1", "A1", "1", "1", at=""), "InvoiceDate", "not_a_moment"),
        ("30 Feb", row("1", "A1", "1", "1", at="2011-02-30 1:00"), "InvoiceDate", "not_a_moment"),
        ("year 1", row("1", "A1", "1", "1", at="0001-01-01 00:00"), "InvoiceDate", "not_a_moment"),
        ("ahead", row("1", "A1", "1", "1", at="2026-01-02 00:00"), "InvoiceDate", "in_the_future"),
        ("NUL", row("1", "A1", "1", "1", customer="1\0"), "CustomerID", "strange_characters"),
        ("surrogate", row("1", "A1", "1", "1", country="\ud800"), "Country", "strange_characters"),
        ("land", row("1", "A1", "1", "1", country="x" * 61), "Country", "too_long"),
        ("plus C", row("C1", "A1", "1", "1"), "Quantity", "return_not_negative"),
        ("minus", row("1", "A1", "-1", "1"), "Quantity", "negative_without_return"),
        ("write-off", row("1", "A1", "-1", "0"), "Quantity", "write_off"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_with_its_reason(reader, _case, cells, column, code):
    found, issues = reader.read(7, cells)

    assert found is None
    assert [(i.row, i.column, i.code, i.is_stored) for i in issues] == [
        (7, column, code, False)
    ]


def test_every_bad_cell_of_a_row_is_named(reader):
    found, issues = reader.read(3, row("", "", "x", "y", at="z"))

    assert found is None
    assert [issue.column for issue in issues] == [
        "InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("_case", "text", "minor"),
    [("whole", "3", 300), ("exponent", "1.5e1", 1500), ("zero", "0.0", 0),
     ("plus", "+2.5", 250), ("trailing", "2.5500", 255)],
)  # fmt: skip
def test_prices_come_in_many_spellings(reader, _case, text, minor):
    found, issues = reader.read(2, row("1", "A1", "1", text))

    assert (found.price_minor, issues) == (minor, [])


def test_a_price_below_half_a_cent_is_stored_as_nothing_and_noted(reader):
    found, issues = reader.read(2, row("1", "PADS", "1", "0.001"))

    assert found.price_minor == 0
    assert issues == [Issue(2, "UnitPrice", "price_rounded", "0.001", "1", True)]


def test_spreadsheet_numbers_lose_their_point_zero(reader):
    found, _ = reader.read(2, row("C1", "A1", "-6.0", "1", customer="17850.0"))

    assert (found.quantity, found.customer) == (6, "17850")


def test_an_offset_in_the_file_beats_the_shops_zone(reader):
    found, _ = reader.read(2, row("1", "A1", "1", "1", at="2011-01-10T10:00:00+00:00"))

    assert found.at == datetime(2011, 1, 10, 10, tzinfo=UTC)


def test_only_adjustments_may_have_a_negative_price(reader):
    found, issues = reader.read(2, row("A563186", "B", "1", "-11062.06"))

    assert (found.kind, found.price_minor, issues) == ("adjustment", -1106206, [])


@given(st.lists(st.text(max_size=30), min_size=8, max_size=8))
def test_no_text_breaks_the_reader(cells):
    reader = RowReader(digits=2, zone=ZoneInfo("Asia/Shanghai"), latest=LATEST)

    found, issues = reader.read(2, cells)

    assert (found is None) == any(not issue.is_stored for issue in issues)
