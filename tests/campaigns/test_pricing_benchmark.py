"""The benchmark of prices runs, and its limit is an oracle: the same totals, by hand."""

import pytest

from benchmarks.promotions import comparing, ours
from benchmarks.promotions.deals import ALL, COMMON
from campaigns.rules.promotions import Promotion

#: Wide deals of all kinds meet in one cart; narrow ones mostly miss it.
BOOKS = [(count, is_wide) for count in (1, 10, 100) for is_wide in (False, True)]


class Stored:
    """Reads a cart without a database."""

    def execute(self, _statement, parameters):
        self.lines = parameters[0]
        return self

    def fetchall(self):
        return comparing.rows_of(self.lines)


@pytest.mark.parametrize(("count", "is_wide"), BOOKS)
@pytest.mark.parametrize("lines", [5, 20])
def test_by_the_shops_rules_the_limit_finds_our_total(count, is_wide, lines):
    book = comparing.Book.of(count, ALL, is_wide=is_wide)
    rows = comparing.rows_of(lines)
    assert book.by_ours(rows) == book.by_limit(rows)


@pytest.mark.parametrize(("count", "is_wide"), BOOKS)
@pytest.mark.parametrize("lines", [5, 20])
def test_where_a_unit_serves_one_offer_the_limit_finds_our_total(count, is_wide, lines):
    book = comparing.Book.of(count, COMMON, is_wide=is_wide, is_one_a_unit=True)
    rows = comparing.rows_of(lines)
    assert book.by_ours(rows) == book.by_limit(rows)


def test_a_line_of_the_table_and_the_figures_below_it(monkeypatch, capsys):
    monkeypatch.setattr(comparing, "_LEAST_SECONDS", 0)
    book = comparing.Book.of(10, ALL, is_wide=True)
    row = comparing.beside_limit(Stored(), book, 5, 1)
    assert row[:3] == ["10", "4", "5"]
    assert len(row) == len([*comparing.BOTH])
    comparing.tell_compiling(10, 1)
    assert "10 offers are compiled in" in capsys.readouterr().out


def test_totals_that_differ_end_the_script(monkeypatch):
    book = comparing.Book.of(10, ALL, is_wide=True)
    monkeypatch.setattr(comparing.Book, "by_limit", lambda _book, _rows: 1)
    with pytest.raises(SystemExit, match="the totals differ"):
        comparing.beside_limit(Stored(), book, 5, 1)


@pytest.mark.parametrize("is_wide", [False, True])
@pytest.mark.parametrize("is_one_a_unit", [False, True])
def test_s15_where_all_units_are_used_up_nobody_has_to_look(
    is_wide, is_one_a_unit, monkeypatch
):
    """The same quote, with all its reasons, as where each offer looks at its units."""
    book = comparing.Book.of(100, ALL, is_wide=is_wide, is_one_a_unit=is_one_a_unit)
    request = ours.request_of(comparing.rows_of(20), book.code)
    quick = ours.price(book.index, request)
    monkeypatch.setattr(Promotion, "_code_if_used_up", "")
    looked = ours.price(book.index, request)

    assert quick.trace == looked.trace
    assert (quick.applied, quick.refused) == (looked.applied, looked.refused)
    if is_one_a_unit and is_wide:
        codes = {each.why.code for each in quick.refused}
        assert codes >= {"no_effect", "set_not_complete"}
