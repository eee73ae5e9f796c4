from django.db import connection

from crm.shared.whole_rows import Columns
from members.models import Member, User
from tests.cast import make_member


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


def test_what_a_join_did_not_find_is_no_row(db):
    tables = "(SELECT 1) one LEFT JOIN members_user u ON u.id = -1"
    assert read(Columns(User, "u"), tables) is None
