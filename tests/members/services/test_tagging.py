from datetime import timedelta

import pytest

from crm.shared.models import AuditEntry
from members.models import MemberTag, Note, Tag
from members.services.freezing import ReasonMissing
from members.services.noting import add_note
from members.services.tagging import (
    TagEnded,
    drop_expired_tags,
    tag_member,
    untag_member,
)
from tests.cast import NOON
from tests.members.people import later


def test_a_tag_is_put_on_once_and_keeps_its_author(alice, dana, bob):
    tag_member(member_id=alice.pk, name="VIP", author=dana, now=NOON)
    later = tag_member(
        member_id=alice.pk,
        name=" VIP ",
        author=bob.user,
        now=NOON + timedelta(days=1),
        expires_at=NOON + timedelta(days=2),
    )
    assert MemberTag.objects.get() == later
    assert (later.author, later.created_at) == (dana, NOON)
    assert later.expires_at == NOON + timedelta(days=2)
    assert Tag.objects.count() == 1


def test_a_tag_comes_off_one_member_only(alice, bob, dana):
    for member in (alice, bob):
        tag_member(member_id=member.pk, name="VIP", author=dana, now=NOON)
    for expected in (True, False):
        assert (
            untag_member(member_id=alice.pk, name="VIP", actor=dana, now=NOON)
            is expected
        )
    words = AuditEntry.objects.order_by("id").values_list("action", "detail__tag")
    assert list(words) == [
        ("members.tag", "VIP"),
        ("members.tag", "VIP"),
        ("members.untag", "VIP"),
    ]
    assert MemberTag.objects.get().member == bob


def test_a_tag_ends_at_its_end(alice, bob, dana):
    for member, seconds in ((alice, 10), (bob, 11)):
        tag_member(
            member_id=member.pk,
            name="new",
            author=dana,
            now=NOON,
            expires_at=later(seconds=seconds),
        )
    tag_member(member_id=bob.pk, name="stays", author=dana, now=NOON)
    end = later(seconds=10)
    assert [row.member for row in MemberTag.objects.standing(end)] == [bob, bob]
    assert drop_expired_tags(now=end) == 1
    assert MemberTag.objects.filter(member=bob).count() == 2


def test_a_tag_that_ended_is_put_on_afresh(alice, bob, dana):
    tag_member(
        member_id=alice.pk,
        name="new",
        author=dana,
        now=NOON,
        expires_at=later(days=1),
    )
    tag_member(member_id=alice.pk, name="new", author=bob.user, now=later(days=1))
    tagged = MemberTag.objects.get()
    assert (tagged.author, tagged.created_at, tagged.expires_at) == (
        bob.user,
        later(days=1),
        None,
    )


def test_a_tag_that_would_have_ended_is_refused(alice, dana):
    with pytest.raises(TagEnded):
        tag_member(
            member_id=alice.pk, name="new", author=dana, now=NOON, expires_at=NOON
        )
    assert not Tag.objects.exists()


def test_a_note_is_kept_and_an_empty_one_refused(alice, dana):
    add_note(member_id=alice.pk, text=" Likes tea. ", author=dana, now=NOON)
    with pytest.raises(ReasonMissing):
        add_note(member_id=alice.pk, text=" ", author=dana, now=NOON)
    note = Note.objects.get()
    assert (note.text, note.author, note.member) == ("Likes tea.", dana, alice)
