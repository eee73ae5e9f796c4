from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from campaigns.models import Message
from campaigns.services.sending import send_due_messages
from crm.shared.outbox import drain
from members.models import Consent, ConsentRequest
from members.queries import has_consent
from members.rules.consent import Proof
from members.services.confirming import (
    LinkIsOver,
    confirm_consent,
    find_request,
    issue_token,
)
from members.services.consenting import Statement, record_consents
from members.services.correcting import correct_member
from members.services.freezing import move_member
from tests.cast import NOON, make_member, publish
from tests.members.people import dump

ADDRESS = "carol.canary@example.com"


@pytest.fixture(autouse=True)
def asks_twice(settings):
    settings.DOUBLE_OPT_IN = frozenset({"email", "sms"})
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def carol(db):
    """Return a member with an address, who can be asked."""
    publish()
    return make_member(9, email=ADDRESS, language="en")


def ask(member, channel="email", at=NOON):
    record_consents(
        member_id=member.pk,
        statements=[Statement("marketing", channel, granted=True)],
        text_version="2026-11",
        source="storefront",
        proof=Proof(request_id="req_first", network="203.0.113.0/24"),
        now=at,
    )
    return ConsentRequest.objects.get(channel=channel, confirmed_at__isnull=True)


def allows(member, channel="email"):
    return has_consent(member_id=member.pk, purpose="marketing", channel=channel)


def test_only_who_follows_the_link_has_agreed(carol):
    request = ask(carol)
    token = issue_token(request_id=request.pk)
    assert not allows(carol)

    later = NOON + timedelta(hours=1)
    row = confirm_consent(token=token, proof=Proof(request_id="req_2"), now=later)

    assert allows(carol)
    assert (row.source, row.text_version, row.occurred_at) == (
        "storefront",
        "2026-11",
        later,
    )
    # Both steps are proved.
    assert (row.request_id, row.first_step.request_id) == ("req_2", "req_first")
    assert bytes(row.text_digest) == bytes(row.first_step.text_digest)


def test_the_link_is_single_use(carol):
    token = issue_token(request_id=ask(carol).pk)
    first = confirm_consent(token=token, proof=Proof(), now=NOON)
    record_consents(
        member_id=carol.pk,
        statements=[Statement("marketing", "email", granted=False)],
        text_version="2026-11",
        source="page",
        now=NOON + timedelta(minutes=1),
    )
    again = confirm_consent(token=token, proof=Proof(), now=NOON + timedelta(minutes=2))
    assert again == first
    assert not allows(carol)
    assert Consent.objects.count() == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda member, token: (token[:-1] + ("A" if token[-1] != "A" else "B"), NOON),
        lambda member, token: ("", NOON),
        lambda member, token: (token * 9, NOON),
        lambda member, token: ("é", NOON),
        lambda member, token: (token, NOON + timedelta(days=3)),
    ],
    ids=["another letter", "nothing", "too long", "no ascii", "too old"],
)
def test_a_bad_link_opens_nothing(carol, spoil):
    token, at = spoil(carol, issue_token(request_id=ask(carol).pk))
    with pytest.raises(LinkIsOver):
        confirm_consent(token=token, proof=Proof(), now=at)
    assert not Consent.objects.exists()


def test_a_link_to_a_former_address_opens_nothing(carol):
    token = issue_token(request_id=ask(carol).pk)
    correct_member(member_id=carol.pk, changes={"email": "new@example.com"}, now=NOON)
    with pytest.raises(LinkIsOver):
        confirm_consent(token=token, proof=Proof(), now=NOON)


def test_a_link_of_somebody_who_left_opens_nothing(carol):
    token = issue_token(request_id=ask(carol).pk)
    move_member(
        member_id=carol.pk, to="closed", reason="asked", actor="tests", now=NOON
    )
    with pytest.raises(LinkIsOver):
        find_request(token=token, now=NOON)


def test_a_newer_link_replaces_the_older(carol):
    old = issue_token(request_id=ask(carol).pk)
    new = issue_token(request_id=ask(carol, at=NOON + timedelta(minutes=1)).pk)
    with pytest.raises(LinkIsOver):
        find_request(token=old, now=NOON)
    assert find_request(token=new, now=NOON).member == carol


def test_nothing_is_sent_without_an_address(carol):
    request = ask(carol, channel="sms")
    assert issue_token(request_id=request.pk) is None
    drain(now=NOON)
    assert not Message.objects.exists()


def test_from_the_yes_to_the_mail_to_the_consent(carol):
    ask(carol)
    drain(now=NOON)
    assert send_due_messages(now=NOON) == 1
    [letter] = mail.outbox
    assert letter.to == [ADDRESS]
    # It was asked for, so it is no advertisement one could unsubscribe from.
    assert "List-Unsubscribe" not in letter.extra_headers
    token = letter.body.partition("/m/consents/")[2].split()[0]

    secrets = {place for place, held in dump().items() if token.encode() in held}
    assert secrets == set()
    confirm_consent(token=token, proof=Proof(), now=NOON)
    assert allows(carol)


def test_a_link_asked_for_twice_sends_two_mails_and_one_works(carol):
    ask(carol)
    ask(carol, at=NOON + timedelta(seconds=60))
    drain(now=NOON)
    assert Message.objects.filter(template="consent_confirm").count() == 2


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_are_one_consent():
    publish()
    member = make_member(9, email=ADDRESS)
    token = issue_token(request_id=ask(member).pk)

    def click(_):
        try:
            return confirm_consent(token=token, proof=Proof(), now=NOON).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(click, range(8)))) == 1
    assert Consent.objects.count() == 1
