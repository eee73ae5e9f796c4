"""What the database holds, as one word: for tests that nothing was written."""

from django.db import connection

#: What every visit may write.
_VISITS = ("members_session", "django_cache", "shared_cache", "shared_allowance")


def digest(*, without: frozenset[str] = frozenset()) -> str:
    """Name the content of every table but some; equal names mean equal rows."""
    tables = [
        table
        for table in connection.introspection.table_names()
        if not table.startswith(_VISITS) and table not in without
    ]
    sums = " || ".join(
        "coalesce((SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) "  # noqa: S608
        f"FROM \"{table}\" t), '')"
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5({sums})")
        return cursor.fetchone()[0]
