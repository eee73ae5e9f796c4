from datetime import timedelta

from crm.shared.clock import now
from members.models import Member, MemberTag, Session, SignInCode
from members.services.requesting_codes import request_code
from members.services.tagging import tag_member
from members.sessions import SessionStore
from members.tasks import (
    drop_expired_tags,
    forget_sign_ins,
    mark_dormant,
    send_sign_in_codes,
)
from tests.cast import NOON, make_member


def test_the_tags_that_ended_go_and_the_others_stay(alice, dana):
    at = now()
    for name, days in (("past", -1), ("next", 1)):
        tag_member(
            member_id=alice.pk,
            name=name,
            author=dana,
            now=at - timedelta(days=9),
            expires_at=at + timedelta(days=days),
        )
    assert drop_expired_tags() == 1
    assert drop_expired_tags() == 0
    assert MemberTag.objects.get().tag.name == "next"


def test_the_long_absent_fall_asleep_after_the_days_of_the_settings(db, settings):
    settings.DORMANT_AFTER_DAYS = 90
    at = now()
    long_gone = make_member(1, joined_at=at - timedelta(days=91))
    make_member(2, joined_at=at - timedelta(days=89))
    assert mark_dormant() == 1
    assert mark_dormant() == 0
    assert Member.objects.get(state="dormant") == long_gone


def test_the_worker_sends_what_is_queued(db, mailoutbox):
    request_code(contact="wang@example.com", caller="", language="en", now=now())
    send_sign_in_codes()
    send_sign_in_codes()
    (letter,) = mailoutbox
    assert letter.to == ["wang@example.com"]
    assert "is your code for" in letter.body
    assert SignInCode.objects.get().state == "sent"


def test_what_is_too_old_is_not_sent(db, mailoutbox):
    request_code(contact="wang@example.com", caller="", now=NOON - timedelta(days=1))
    send_sign_in_codes()
    assert not mailoutbox


def test_old_sign_ins_are_forgotten(db):
    request_code(contact="wang@example.com", caller="", now=NOON - timedelta(days=9))
    SessionStore().create()
    Session.objects.update(ends_at=NOON - timedelta(days=9))
    forget_sign_ins()
    assert not SignInCode.objects.exists()
    assert not Session.objects.exists()
