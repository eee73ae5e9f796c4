"""Statements planned once per connection behave like every other statement."""

from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm.shared.planned import planned_cursor

_TWICE = "SELECT %(number)s::int * 2, '[1, {\"a\": null}]'::json"


def twice(number: int) -> tuple:
    with planned_cursor() as cursor:
        cursor.execute(_TWICE, {"number": number})
        return cursor.fetchone()


_EVERY_KIND = """
SELECT 7::smallint, 2147483648::bigint, 1.50::numeric(9, 2), 0.1::float8, true, NULL::int,
       '汉字'::text, 'a'::varchar(3), '\\x00ff'::bytea, ARRAY[1, NULL, 3]::bigint[],
       '2024-02-29'::date, '2026-11-01 01:30:00.123456+08'::timestamptz,
       interval '1 day 2 hours', '{"a": [1, "é"]}'::json,
       '6f1c1b3e-0000-4000-8000-000000000001'::uuid
"""


def test_it_answers_what_a_cursor_of_django_would(db):
    with connection.cursor() as cursor:
        cursor.execute(_EVERY_KIND)
        known = cursor.fetchone()
    for _time in range(7):  # Plain at first, then prepared.
        with planned_cursor() as cursor:
            cursor.execute(_EVERY_KIND)
            found = cursor.fetchone()
        assert list(map(repr, found)) == list(map(repr, known))
    assert found[11].utcoffset() == timedelta(0)


def test_json_of_columns_comes_as_what_it_says(db):
    with planned_cursor() as cursor:
        cursor.execute("""SELECT '{"b": 1, "a": ["é"]}'::jsonb, '[1, null]'::json""")
        assert cursor.fetchone() == ({"a": ["é"], "b": 1}, [1, None])


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


def end(pid: int) -> None:
    """End a connection from the server's side, and wait until it is gone."""
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as own:
        own.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.fixture
def connected(transactional_db):
    """Return the process that serves the connection, once it has."""
    assert twice(1)[0] == 2
    return connection.connection.info.backend_pid


def test_a_server_that_ended_between_two_requests_costs_nobody_an_error(connected):
    end(connected)
    connection.close_if_unusable_or_obsolete()  # As before each request.
    assert twice(2)[0] == 4
    assert connection.connection.info.backend_pid != connected


def test_one_that_ends_during_a_request_is_not_changed_for_another(connected):
    """What ran before on it may have locked, written or set something."""
    connection.close_if_unusable_or_obsolete()
    assert twice(2)[0] == 4
    end(connected)
    with pytest.raises(OperationalError):
        twice(3)
    connection.close_if_unusable_or_obsolete()
    assert twice(4)[0] == 8


def test_news_that_wait_are_no_end(connected):
    with connection.cursor() as cursor:
        cursor.execute("LISTEN of_a_test")
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as own:
        own.execute("NOTIFY of_a_test")
    connection.close_if_unusable_or_obsolete()
    for number in range(3):
        assert twice(number)[0] == number * 2
    assert connection.connection.info.backend_pid == connected
