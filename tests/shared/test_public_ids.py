import re
import time

from django.db import connection
from django.db.migrations.writer import MigrationWriter

from crm.shared.public_ids import PublicIdField, new_public_id


def test_has_the_prefix_and_a_ulid():
    assert re.fullmatch(
        r"mem_[0-7][0-9ABCDEFGHJKMNPQRSTVWXYZ]{25}", new_public_id("mem")
    )


def test_holds_the_millisecond_it_was_made():
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    before = time.time_ns() // 1_000_000
    digits = new_public_id("x").removeprefix("x_")
    made = sum(alphabet.index(d) << 5 * i for i, d in enumerate(reversed(digits[:10])))
    assert before <= made <= time.time_ns() // 1_000_000


def test_later_ids_sort_after_earlier_ones(monkeypatch):
    moments = iter([0, 1, 31, 32, 1_700_000_000_000, 2**48 - 1])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments) * 1_000_000)
    ids = [new_public_id("x") for _ in range(6)]
    assert ids == sorted(ids)
    assert {len(each) for each in ids} == {28}


def test_never_twice():
    assert len({new_public_id("x") for _ in range(20_000)}) == 20_000


def test_field_makes_a_different_id_for_each_object():
    field = PublicIdField(prefix="ord")
    first, second = field.get_default(), field.get_default()
    assert first != second
    assert first.startswith("ord_")
    assert (field.unique, field.editable, field.max_length) == (True, False, 40)


def test_field_writes_only_its_prefix_into_migrations():
    _name, path, args, kwargs = PublicIdField(prefix="ord").deconstruct()
    assert (path, args, kwargs) == (
        "crm.shared.public_ids.PublicIdField",
        [],
        {"prefix": "ord"},
    )
    assert MigrationWriter.serialize(PublicIdField(prefix="ord"))[0] == (
        "crm.shared.public_ids.PublicIdField(prefix='ord')"
    )


def test_column_sorts_by_bytes_and_has_one_index(people):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT collation_name FROM information_schema.columns "
            "WHERE table_name = %s AND column_name = 'public_id'",
            [people._meta.db_table],
        )
        assert cursor.fetchall() == [("C",)]
        cursor.execute(
            "SELECT count(*) FROM pg_indexes WHERE tablename = %s "
            "AND indexdef LIKE '%%public_id%%'",
            [people._meta.db_table],
        )
        assert cursor.fetchall() == [(1,)]
    people.objects.create()
    assert people.objects.filter(public_id__startswith="per_").count() == 1
