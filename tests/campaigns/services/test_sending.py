"""Messages: written once, checked when sent, sent once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from campaigns.models import Message
from campaigns.services.messaging import write_message
from campaigns.services.sending import LEASE, send_due_messages
from tests.cast import NOON, allow, make_member, put_in_state

CONTEXT = {"coupon": "Twenty off", "code": "AB-CD", "until": "2026-12-21"}


@pytest.fixture(autouse=True)
def letterbox(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def write(member, channel, key="k1"):
    return write_message(
        member_id=member.pk,
        channel=channel,
        template="coupon_issued",
        context=CONTEXT,
        dedupe_key=key,
        now=NOON,
    )


@pytest.fixture
def carol(db):
    """Return a member with an e-mail address who allowed e-mail."""
    member = make_member(9, name="Carol", email="carol@example.com", language="en")
    allow(member, "email")
    return member


def test_a_message_is_written_once_per_occasion(carol):
    assert write(carol, "email") == write(carol, "email")
    assert Message.objects.count() == 1


def test_the_text_is_in_the_members_language(carol):
    carol.language = "zh-hans"
    carol.save()
    assert write(carol, "in_app").subject == "送您一张优惠券"


def test_an_allowed_email_leaves_with_the_message_id(carol):
    message = write(carol, "email")

    assert send_due_messages(now=NOON) == 1
    assert send_due_messages(now=NOON) == 0

    [letter] = mail.outbox
    assert letter.to == ["carol@example.com"]
    assert letter.extra_headers["X-Message-Id"] == message.public_id
    assert "AB-CD" in letter.body
    message.refresh_from_db()
    assert (message.state, message.sent_at) == (Message.State.SENT, NOON)


@pytest.mark.parametrize(
    ("_case", "channel", "note"),
    [
        ("never asked", "sms", "no consent"),
        ("withdrawn since", "email", "no consent"),
    ],
)
def test_consent_counts_when_it_is_sent(_case, channel, note, carol):
    message = write(carol, channel)
    allow(carol, "email", granted=False, at=NOON + timedelta(seconds=1))

    send_due_messages(now=NOON)

    message.refresh_from_db()
    assert (message.state, message.note) == (Message.State.SUPPRESSED, note)
    assert not mail.outbox


def test_nothing_leaves_for_a_demo_person(carol):
    carol.is_demo = True
    carol.save()
    message = write(carol, "email")

    send_due_messages(now=NOON)

    message.refresh_from_db()
    assert message.state == Message.State.SUPPRESSED
    assert not mail.outbox


def test_what_was_asked_for_needs_no_consent_and_has_no_way_out(carol):
    allow(carol, "email", granted=False, at=NOON + timedelta(seconds=1))
    write(carol, "email")
    Message.objects.update(template="consent_confirm")

    send_due_messages(now=NOON)

    [letter] = mail.outbox
    assert set(letter.extra_headers) == {"X-Message-Id"}
    assert "/m/" not in letter.body


@pytest.mark.parametrize("template", ["coupon_issued", "from the future"])
def test_every_advertisement_can_be_stopped_at_one_click(template, carol, client):
    write(carol, "email")
    Message.objects.update(template=template)

    send_due_messages(now=NOON)

    [letter] = mail.outbox
    head = letter.message()
    assert head["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = head["List-Unsubscribe"].strip("<>")
    assert link.startswith("http://127.0.0.1:8000/m/unsubscribe/")
    assert link in letter.body
    assert "/m/preferences/" in letter.body

    answer = client.post(
        link.removeprefix("http://127.0.0.1:8000"), {"List-Unsubscribe": "One-Click"}
    )
    assert answer.status_code == 200
    message = write(carol, "email", key="k2")
    send_due_messages(now=NOON)
    message.refresh_from_db()
    assert message.note == "no consent"


def test_a_missing_address_is_said(db):
    member = make_member(10)
    allow(member, "email")
    message = write(member, "email")

    send_due_messages(now=NOON)

    message.refresh_from_db()
    assert (message.state, message.note) == (Message.State.SUPPRESSED, "no address")


def test_a_channel_without_gateway_fails_loudly(carol):
    carol.phone = "+8615000000000"
    carol.save()
    allow(carol, "sms")
    message = write(carol, "sms")

    send_due_messages(now=NOON)

    message.refresh_from_db()
    assert message.state == Message.State.FAILED
    assert "gateway" in message.note


def test_a_failing_provider_is_tried_again_later_then_given_up(carol, settings):
    settings.EMAIL_BACKEND = "tests.campaigns.services.test_sending.Broken"
    message = write(carol, "email")
    at = NOON
    for _ in range(5):
        send_due_messages(now=at)
        at += timedelta(hours=1)

    message.refresh_from_db()
    assert (message.state, message.attempts) == (Message.State.FAILED, 5)
    assert message.note == "ConnectionRefusedError"


class Broken:
    """An e-mail back end whose server is away."""

    def __init__(self, **options):
        pass

    def send_messages(self, messages):
        raise ConnectionRefusedError


def test_a_dead_senders_claim_runs_out(carol):
    message = write(carol, "email")
    Message.objects.update(
        state=Message.State.SENDING, claimed_until=NOON + LEASE, attempts=1
    )

    assert send_due_messages(now=NOON) == 0
    assert send_due_messages(now=NOON + LEASE + timedelta(seconds=1)) == 1
    message.refresh_from_db()
    assert message.state == Message.State.SENT


@pytest.mark.django_db(transaction=True)
def test_four_senders_send_each_message_once():
    member = make_member(11, email="dora@example.com")
    allow(member, "email")
    for number in range(20):
        write(member, "email", key=f"k{number}")

    def send(_):
        try:
            return send_due_messages(now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 20
    assert len(mail.outbox) == 20


@pytest.mark.parametrize("state", ["pending", "frozen", "closed", "merged", "erased"])
@pytest.mark.parametrize("channel", ["email", "in_app"])
@pytest.mark.parametrize("template", ["coupon_issued", "consent_confirm"])
def test_nothing_leaves_for_a_membership_that_is_not_written_to(
    state, channel, template, carol
):
    message = write(carol, channel)
    Message.objects.update(template=template)
    put_in_state(carol, state)

    assert send_due_messages(now=NOON) == 1

    assert mail.outbox == []
    message.refresh_from_db()
    assert (message.state, message.note) == (
        Message.State.SUPPRESSED,
        "this membership is not written to",
    )


def test_sleeping_members_are_written_to(carol):
    write(carol, "email")
    carol.state = "dormant"
    carol.save()
    assert send_due_messages(now=NOON) == 1
    assert [letter.to for letter in mail.outbox] == [["carol@example.com"]]
