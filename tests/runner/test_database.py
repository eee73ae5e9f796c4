"""The test database itself: real, migrated, isolated."""

import threading

import pytest
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_trigrams_of_chinese_are_not_empty():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
        )
        assert cursor.fetchone() == ("C.UTF-8", "C.UTF-8")
        cursor.execute("SELECT '张' ~ '\\w', lower('ÄÖ')")
        assert cursor.fetchone() == (True, "äö")


@pytest.mark.django_db
def test_tests_never_run_in_the_named_database():
    assert connection.settings_dict["NAME"].startswith("test_regulars_")
    assert settings.ENVIRONMENT == "test"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_committed_rows_are_gone_in_the_next_test(turn):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('left_behind')")
        assert cursor.fetchone() == (None,)
        cursor.execute("CREATE TABLE left_behind (turn int)")


@pytest.mark.django_db(transaction=True)
def test_other_threads_see_the_same_database():
    names = []

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            names.append(cursor.fetchone()[0])
        connection.close()

    ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert names[0] == names[1]
