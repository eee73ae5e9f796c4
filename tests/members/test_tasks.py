from datetime import timedelta

from crm.shared.clock import now
from members.models import Session, SignInCode
from members.services.requesting_codes import request_code
from members.sessions import SessionStore
from members.tasks import forget_sign_ins, send_sign_in_codes
from tests.cast import NOON


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
