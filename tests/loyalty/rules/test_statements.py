"""A statement as a file: it says what it was told, and its last line is its signature."""

import csv
import io
from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.statements import Line, Statement, content_of, signed, split

MOMENT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def statement(moves):
    balance, lines = 100, []
    for number, points in enumerate(moves, start=1):
        balance += points
        lines.append(
            Line(
                number,
                MOMENT,
                f"pte_{number}",
                "spend",
                points,
                balance,
                MOMENT.date(),
                (("pte_0", 3), ("pte_9", 4)),
            )
        )
    return Statement("M1", date(2026, 1, 1), date(2026, 5, 1), MOMENT, 100, lines)


@given(st.lists(st.integers(-900, 900), max_size=8))
def test_the_file_says_what_the_statement_says(moves):
    told = statement(moves)
    rows = list(csv.reader(io.StringIO(content_of(told).decode())))
    head = dict(zip(rows[0], rows[1], strict=True))
    assert int(head["closing"]) == told.closing == 100 + sum(moves)
    assert int(head["lines"]) == len(moves) == len(rows) - 3
    assert [int(row[4]) for row in rows[3:]] == moves
    assert all(row[7] == "pte_0:3 pte_9:4" for row in rows[3:])


@given(st.binary(max_size=60), st.integers(1, 255), st.binary(min_size=32, max_size=32))
def test_a_signed_file_comes_apart_as_it_was_put_together(content, key, signature):
    file = signed(content, key=key, signature=signature)
    assert split(file) == (content, key, signature)
    assert split(file + b"\n") is None
    assert split(file[:-1]) is None
