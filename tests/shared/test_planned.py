"""Statements planned once per connection behave like every other statement."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.shared.planned import planned_cursor

_TWICE = "SELECT %(number)s::int * 2, '[1, {\"a\": null}]'::json"


def twice(number: int) -> tuple:
    with planned_cursor() as cursor:
        cursor.execute(_TWICE, {"number": number})
        return cursor.fetchone()


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s",
            ["%::int * 2%"],
        )
        return cursor.fetchone()[0]


def test_a_statement_that_comes_again_is_prepared_and_says_the_same(db):
    assert prepared() == 0
    assert {twice(n)[0] for n in range(4)} == {0, 2, 4, 6}
    assert prepared() == 1
    assert twice(21) == (42, [1, {"a": None}])


def test_it_is_counted_and_runs_in_the_transaction(db):
    with CaptureQueriesContext(connection) as captured:
        for number in range(4):
            twice(number)
    # As it is written, prepared or not.
    assert [each["sql"] for each in captured] == [_TWICE] * 4
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        with planned_cursor() as cursor:
            cursor.execute("CREATE TABLE gone (id int)")
        raise ZeroDivisionError
    assert "gone" not in connection.introspection.table_names()


def test_errors_are_those_of_django(db):
    with pytest.raises(DatabaseError), transaction.atomic(), planned_cursor() as cursor:
        cursor.execute("SELECT 1 / %s", [0])
    assert twice(2)[0] == 4
