from datetime import timedelta

import pytest

from members.models import MemberTag, Note, Tag
from members.services.freezing import ReasonMissing
from members.services.noting import add_note
from members.services.tagging import drop_expired_tags, tag_member, untag_member
from tests.cast import NOON


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
    assert untag_member(member_id=alice.pk, name="VIP") is True
    assert untag_member(member_id=alice.pk, name="VIP") is False
    assert MemberTag.objects.get().member == bob


def test_a_tag_ends_at_its_end(alice, bob, dana):
    tag_member(member_id=alice.pk, name="new", author=dana, now=NOON, expires_at=NOON)
    tag_member(
        member_id=bob.pk,
        name="new",
        author=dana,
        now=NOON,
        expires_at=NOON + timedelta(seconds=1),
    )
    tag_member(member_id=bob.pk, name="stays", author=dana, now=NOON)
    assert drop_expired_tags(now=NOON) == 1
    assert MemberTag.objects.filter(member=bob).count() == 2


def test_a_note_is_kept_and_an_empty_one_refused(alice, dana):
    add_note(member_id=alice.pk, text=" Likes tea. ", author=dana, now=NOON)
    with pytest.raises(ReasonMissing):
        add_note(member_id=alice.pk, text=" ", author=dana, now=NOON)
    note = Note.objects.get()
    assert (note.text, note.author, note.member) == ("Likes tea.", dana, alice)
