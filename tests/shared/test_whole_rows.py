import pytest
from django.db import connection

from crm.shared.planned import planned_cursor
from crm.shared.whole_rows import Columns
from members.models import Member, User
from orders.models import Cart
from tests.cast import NOON, make_member


def read(columns, tables, *params):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns.text} FROM {tables}", params)
        return columns.row(cursor.fetchone())


def test_a_row_is_what_a_queryset_makes_of_it(alice):
    bare = make_member(9, name=None, phone=None)
    full = make_member(8, name="王静", phone="+8613800138000", interests=["tea", "art"])
    for member in (alice, bare, full):
        asked = Member.objects.get(pk=member.pk)
        columns = Columns(Member, "m")
        made = read(columns, "members_member m WHERE m.id = %s", member.pk)
        assert len(columns) == len(Member._meta.concrete_fields)
        assert made.__dict__.keys() == asked.__dict__.keys()
        assert not made.get_deferred_fields()
        assert (made._state.db, made._state.adding) == ("default", False)
        for field in Member._meta.concrete_fields:
            value = getattr(made, field.attname)
            assert value == getattr(asked, field.attname), field.name


def test_a_row_made_by_hand_is_saved_like_any_other(alice):
    made = read(Columns(Member, "m"), "members_member m WHERE m.id = %s", alice.pk)
    made.city = "杭州"
    made.save()
    kept = Member.objects.get(pk=alice.pk)
    assert (kept.city, kept.name) == ("杭州", "Alice")


@pytest.mark.parametrize("cursor_of", [connection.cursor, planned_cursor])
def test_json_is_read_once_whatever_the_cursor(db, cursor_of):
    cart = Cart.objects.create(created_at=NOON, updated_at=NOON, seen={"a": ["茶", 1]})
    columns = Columns(Cart, "c")
    with cursor_of() as cursor:
        cursor.execute(f"SELECT {columns.text} FROM orders_cart c")
        made = columns.row(cursor.fetchone())
    assert (made.pk, made.seen) == (cart.pk, {"a": ["茶", 1]})


def test_what_a_join_did_not_find_is_no_row(db):
    tables = "(SELECT 1) one LEFT JOIN members_user u ON u.id = -1"
    assert read(Columns(User, "u"), tables) is None
