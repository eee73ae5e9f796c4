"""Sending messages: claimed, checked, handed over, marked."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from campaigns.channels.base import Channel, ChannelNotReady
from campaigns.models import Message
from campaigns.services.messaging import purpose_of
from crm import wiring
from crm.shared.letters import Letter, WaysOut
from members.links import preferences_url, unsubscribe_url
from members.queries import has_consent

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 5
FIRST_WAIT = timedelta(seconds=30)

NO_CONSENT = gettext_noop("no consent")
MAY_NOT_RECEIVE = gettext_noop("this membership is not written to")
NO_ADDRESS = gettext_noop("no address")
DEMO_PERSON = gettext_noop("demo person: nothing leaves")


def send_due_messages(*, now: datetime, limit: int = 100) -> int:
    """Send what is due; return how many messages reached a final state.

    Each message is claimed first, in a transaction of its own, and sent outside any
    transaction. A sender that dies leaves the claim to run out; e-mail providers drop
    the repeat by message id.
    """
    settled = 0
    for message in _claim(now=now, limit=limit):
        settled += _send(message, now=now)
    return settled


@transaction.atomic
def _claim(*, now: datetime, limit: int) -> list[Message]:
    due = (
        Message.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("member")
        .filter(
            Q(state=Message.State.QUEUED)
            | Q(state=Message.State.SENDING, claimed_until__lt=now),
            send_after__lte=now,
        )
        .order_by("send_after", "id")[:limit]
    )
    messages = list(due)
    Message.objects.filter(pk__in=[each.pk for each in messages]).update(
        state=Message.State.SENDING,
        claimed_until=now + LEASE,
        attempts=F("attempts") + 1,
    )
    return messages


def _send(message: Message, *, now: datetime) -> bool:
    channel: Channel = import_string(wiring.CHANNELS[message.channel])()
    why_not, address = _checked(channel, message)
    if why_not:
        return _settle(message, Message.State.SUPPRESSED, note=why_not)
    try:
        channel.send(_letter(message), address)
    except ChannelNotReady as reason:
        return _settle(message, Message.State.FAILED, note=str(reason))
    except Exception as error:  # any provider may fail in any way: tried again
        log.warning("Message %s failed: %s", message.public_id, type(error).__name__)
        return _try_later(message, error, now=now)
    return _settle(message, Message.State.SENT, sent_at=now)


def _checked(channel: Channel, message: Message) -> tuple[str, str]:
    """Return why the message must not leave, and its address.

    This is the one gate: whatever wrote the message, membership and consent count as
    they are now.
    """
    if not message.member.may_receive:
        return MAY_NOT_RECEIVE, ""
    if not channel.leaves_the_house:
        return "", channel.address_of(message)
    if message.member.is_demo:
        return DEMO_PERSON, ""
    purpose = purpose_of(message.template)
    if purpose and not has_consent(
        member_id=message.member_id, purpose=purpose, channel=message.channel
    ):
        return NO_CONSENT, ""
    address = channel.address_of(message)
    return ("", address) if address else (NO_ADDRESS, "")


def _letter(message: Message) -> Letter:
    """Return what the channel carries; what needs a consent says how to end it."""
    member, purpose = message.member, purpose_of(message.template)
    ways_out = WaysOut(
        unsubscribe_url=unsubscribe_url(
            member=member.public_id, purpose=purpose, channel=message.channel
        ),
        preferences_url=preferences_url(member=member.public_id),
    )
    return Letter(
        public_id=message.public_id,
        subject=message.subject,
        body=message.body,
        language=member.language or settings.LANGUAGE_CODE,
        ways_out=ways_out if purpose else None,
    )


def _settle(message: Message, state: str, **fields) -> bool:
    """Mark the end, unless another sender took the message over meanwhile."""
    return bool(
        Message.objects.filter(
            pk=message.pk,
            state=Message.State.SENDING,
            attempts=message.attempts + 1,
        ).update(state=state, claimed_until=None, **fields)
    )


def _try_later(message: Message, error: Exception, *, now: datetime) -> bool:
    if message.attempts + 1 >= MOST_ATTEMPTS:
        return _settle(message, Message.State.FAILED, note=type(error).__name__)
    wait = FIRST_WAIT * 2**message.attempts
    _settle(
        message,
        Message.State.QUEUED,
        send_after=now + wait,
        note=type(error).__name__,
    )
    return False
