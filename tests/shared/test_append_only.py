import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.state import ProjectState

from crm.shared.append_only import AppendOnly, append_only_sql


@pytest.fixture
def ledger(db):
    """A table with two rows, not guarded yet."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE some_ledger (id int PRIMARY KEY, points int)")
        cursor.execute("INSERT INTO some_ledger VALUES (1, 10), (2, 20)")
        yield cursor


def run(operation, *, back=False):
    step = operation.database_backwards if back else operation.database_forwards
    with connection.schema_editor() as editor:
        step("shared", editor, ProjectState(), ProjectState())


def rows(cursor):
    cursor.execute("SELECT id, points FROM some_ledger ORDER BY id")
    return cursor.fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE some_ledger SET points = 11 WHERE id = 1",
        "UPDATE some_ledger SET points = points",
        "DELETE FROM some_ledger WHERE id = 2",
        "DELETE FROM some_ledger",
        "TRUNCATE some_ledger",
        "INSERT INTO some_ledger VALUES (1, 5) "
        "ON CONFLICT (id) DO UPDATE SET points = 5",
        "MERGE INTO some_ledger USING (VALUES (1)) new (id) ON some_ledger.id = new.id "
        "WHEN MATCHED THEN DELETE",
    ],
)
def test_refuses_every_change(ledger, statement):
    run(AppendOnly("some_ledger"))
    refused = pytest.raises(IntegrityError, match="some_ledger is append-only")
    with refused, transaction.atomic():
        ledger.execute(statement)
    assert rows(ledger) == [(1, 10), (2, 20)]


def test_takes_new_rows(ledger):
    run(AppendOnly("some_ledger"))
    ledger.execute("INSERT INTO some_ledger VALUES (3, 30)")
    assert rows(ledger) == [(1, 10), (2, 20), (3, 30)]


def test_going_back_frees_the_table_and_going_forward_again_guards_it(ledger):
    run(AppendOnly("some_ledger"))
    run(AppendOnly("some_ledger"), back=True)
    ledger.execute("DELETE FROM some_ledger WHERE id = 2")
    assert rows(ledger) == [(1, 10)]
    run(AppendOnly("some_ledger"))
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.execute("DELETE FROM some_ledger")


def test_partitions_are_guarded_also_when_addressed_directly(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parted (id int, m int) PARTITION BY LIST (m)")
        cursor.execute("CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1)")
        cursor.execute(append_only_sql("parted"), None)
        cursor.execute("CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2)")
        cursor.execute("INSERT INTO parted VALUES (1, 1), (2, 2)")
        for table in ("parted", "parted_1", "parted_2"):
            with pytest.raises(IntegrityError), transaction.atomic():
                cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SELECT count(*) FROM parted")
        assert cursor.fetchone() == (2,)


def test_migrations_can_write_it():
    step = AppendOnly("loyalty_pointsentry")
    assert step.deconstruct() == ("AppendOnly", ["loyalty_pointsentry"], {})
    assert step.describe() == "Make loyalty_pointsentry append-only"
    assert step.reversible


def test_refuses_a_name_that_is_none():
    with pytest.raises(ValueError, match="no table name"):
        append_only_sql('x" CASCADE; --')
