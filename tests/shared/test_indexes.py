"""No index of ours is the beginning of another: each one slows every write."""

import pytest
from django.apps import apps
from django.db import connection

#: Plain indexes, and those that begin with the very same columns in the same way.
_NEEDLESS = """
SELECT narrow.indrelid::regclass::text, name.relname, other.relname
  FROM pg_index narrow
  JOIN pg_class name ON name.oid = narrow.indexrelid
  JOIN pg_index wide ON wide.indrelid = narrow.indrelid
                    AND wide.indexrelid <> narrow.indexrelid
  JOIN pg_class other ON other.oid = wide.indexrelid AND other.relam = name.relam
  JOIN pg_am method ON method.oid = name.relam AND method.amname = 'btree'
 CROSS JOIN LATERAL (SELECT narrow.indnkeyatts - 1 AS last) l
 WHERE NOT narrow.indisunique
   AND narrow.indpred IS NULL AND wide.indpred IS NULL
   AND narrow.indexprs IS NULL AND wide.indexprs IS NULL
   AND narrow.indnkeyatts <= wide.indnkeyatts
   AND (narrow.indkey::int2[])[0:last] = (wide.indkey::int2[])[0:last]
   AND (narrow.indclass::oid[])[0:last] = (wide.indclass::oid[])[0:last]
   AND (last = 0
        OR (narrow.indoption::int2[])[0:last] = (wide.indoption::int2[])[0:last])
   AND narrow.indrelid::regclass::text = ANY (%s)
 ORDER BY 1, 2, 3
"""
OURS = ("crm.", "members", "loyalty", "campaigns", "orders", "recommendations")


@pytest.mark.django_db
def test_no_index_is_the_beginning_of_another():
    # Django gives a table between two models both its indexes, whoever asks.
    tables = [
        model._meta.db_table
        for model in apps.get_models()
        if model.__module__.startswith(OURS)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_NEEDLESS, [tables])
        needless = cursor.fetchall()
    assert not needless, "Add db_index=False; the other index serves both."


#: What Django adds for LIKE, where the column's own index serves it: under collation C.
_FOR_LIKE = """
SELECT name.relname
  FROM pg_index i
  JOIN pg_class name ON name.oid = i.indexrelid
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  JOIN pg_collation c ON c.oid = a.attcollation AND c.collname = 'C'
  JOIN pg_opclass o ON o.oid = i.indclass[0] AND o.opcname = 'varchar_pattern_ops'
 ORDER BY 1
"""


@pytest.mark.django_db
def test_no_index_for_like_stands_beside_one_that_serves_it():
    with connection.cursor() as cursor:
        cursor.execute(_FOR_LIKE)
        assert cursor.fetchall() == [], "Drop it: see one_index_of_codes."
        cursor.execute(
            "CREATE INDEX needless ON orders_order (number varchar_pattern_ops)"
        )
        cursor.execute(_FOR_LIKE)
        assert cursor.fetchall() == [("needless",)]


@pytest.mark.django_db
def test_a_code_is_found_by_its_beginning_without_it():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT code FROM campaigns_couponcode WHERE code LIKE 'TEA%'"
        )
        plan = " ".join(line for (line,) in cursor.fetchall())
    assert "campaigns_couponcode_pkey" in plan
    assert "Index Cond: (((code)" in plan


@pytest.mark.django_db
def test_a_needless_index_would_be_found():
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX needless ON loyalty_pointsentry (account_id)")
        cursor.execute(_NEEDLESS, [["loyalty_pointsentry"]])
        found = {narrow for _table, narrow, _wide in cursor.fetchall()}
    assert found == {"needless"}
