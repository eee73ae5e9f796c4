"""Hand out member numbers, each once."""

from django.db import connection

from members.rules.numbers import member_number


def next_numbers(count: int) -> list[str]:
    """Return ``count`` new member numbers. A rollback leaves gaps, never repeats."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval('members_member_serial') FROM generate_series(1, %s)",
            [count],
        )
        return [member_number(serial) for (serial,) in cursor.fetchall()]


def skip_numbers(serial: int) -> None:
    """Continue after ``serial``, for rows that brought their own numbers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('members_member_serial', "
            "GREATEST(%s, nextval('members_member_serial')))",
            [serial],
        )
