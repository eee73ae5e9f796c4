"""Write down what members allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import ConsentRequested
from members.models import Consent, ConsentRequest, Member
from members.queries import consent_text, current_consents
from members.rules.consent import (
    ANY,
    CONFIRM_WITHIN,
    Proof,
    channels_meant,
    is_granted,
    may_send_again,
    needs_second_step,
)
from members.rules.lifecycle import ACTIVE, FROZEN

_NO_PROOF = Proof()


class UnknownText(Refusal):
    """There is no text of this version, so nobody can have agreed to it."""

    code = "unknown_text_version"
    status = 422
    message = _("There is no text of this version, so nobody can have agreed to it.")


class WhoAndWhy(Refusal):
    """A consent written down for somebody else needs a reason."""

    code = "reason_missing"
    status = 422
    message = _("A consent written down for somebody else needs a reason.")


class MembershipOver(Refusal):
    """This membership has ended."""

    code = "membership_over"
    message = _("This membership has ended.")


@dataclass(frozen=True, slots=True)
class Statement:
    """One word of a member: yes or no to one purpose by one channel."""

    purpose: str
    channel: str
    granted: bool


@dataclass(frozen=True, slots=True)
class _Said:
    """What all statements of one call share."""

    member: Member
    text_version: str
    language: str
    source: str
    proof: Proof
    actor: Any
    reason: str
    now: datetime


@transaction.atomic
def record_consents(
    *,
    member_id: int,
    statements: Iterable[Statement],
    text_version: str,
    source: str,
    now: datetime,
    language: str = "",
    proof: Proof = _NO_PROOF,
    actor: Any = None,
    reason: str = "",
) -> list[Consent]:
    """Add statements to the ledger and return the rows written.

    What repeats the standing word under the same text version is not written again,
    so a caller may send the whole list each time and retry. Where the shop asks
    twice (``CRM_DOUBLE_OPT_IN``) a member's own yes opens a request instead of
    granting; see ``members.services.confirming``. A no always counts at once.

    Args:
        member_id: the member.
        statements: the words; of two about one purpose and channel the last counts.
        text_version: version of the text the member saw.
        source: form, file or person it came from.
        now: when it was said, aware.
        language: language of the text they saw; the member's when empty.
        proof: what the request showed.
        actor: login or name of a program that writes down what a member said
            elsewhere; None when members speak for themselves.
        reason: why others write it; required with ``actor``.

    Raises:
        UnknownText: a member's own yes to a text that was never published.
        WhoAndWhy: there is an actor but no reason.
        MembershipOver: a yes of somebody who is no member any more.
    """
    if actor is not None and not reason.strip():
        raise WhoAndWhy
    # The member's row is the lock: two answers at once keep an order.
    member = Member.objects.select_for_update().get(pk=member_id)
    said = _Said(
        member, text_version, language, source, proof, actor, reason.strip(), now
    )
    standing = {
        (row.purpose, row.channel): (row.granted, row.text_version)
        for row in current_consents(member_id=member_id)
    }
    rows = []
    for (purpose, channel), granted in _meant(said, statements).items():
        if not granted:
            _cancel_request(member_id, purpose, channel)
        if standing.get((purpose, channel)) == (granted, text_version):
            continue
        if granted and _waits(said, purpose, channel):
            _ask_again(said, purpose, channel)
        else:
            rows.append(_row(said, purpose, channel, granted=granted))
    if rows and actor is not None:
        _audit(said, rows)
    return Consent.objects.bulk_create(rows)


@transaction.atomic
def withdraw_consent(
    *,
    member_id: int,
    purpose: str,
    channel: str,
    source: str,
    now: datetime,
    proof: Proof = _NO_PROOF,
) -> list[Consent]:
    """Say no to one purpose by one channel; saying it again writes nothing.

    The no names the text of the yes it takes back.
    """
    Member.objects.select_for_update().get(pk=member_id)
    standing = {
        row.channel: row
        for row in current_consents(member_id=member_id)
        if row.purpose == purpose
    }
    last = standing.get(channel) or standing.get(ANY)
    return record_consents(
        member_id=member_id,
        statements=[Statement(purpose, channel, granted=False)],
        text_version=last.text_version if last else "",
        source=source,
        proof=proof,
        now=now,
    )


@transaction.atomic
def choose_consents(
    *,
    member_id: int,
    choices: Iterable[Statement],
    language: str,
    source: str,
    proof: Proof,
    now: datetime,
) -> list[Consent]:
    """Write what a member changed on a page that shows how things stand.

    What was left as it stood is not said again: whoever only takes one consent back
    has not agreed anew to the text of the others. A yes is to the current text of its
    purpose.

    Raises:
        UnknownText: a yes to a purpose without any published text.
    """
    Member.objects.select_for_update().get(pk=member_id)
    spoken: dict[str, dict[str, bool]] = {}
    for row in current_consents(member_id=member_id):
        spoken.setdefault(row.purpose, {})[row.channel] = row.granted
    rows = []
    for choice in choices:
        standing = is_granted(spoken.get(choice.purpose, {}), choice.channel)
        if choice.granted == standing:
            if not choice.granted:
                _cancel_request(member_id, choice.purpose, choice.channel)
            continue
        if not choice.granted:
            rows += withdraw_consent(
                member_id=member_id,
                purpose=choice.purpose,
                channel=choice.channel,
                source=source,
                proof=proof,
                now=now,
            )
            continue
        text = consent_text(purpose=choice.purpose, language=language)
        if text is None:
            raise UnknownText
        rows += record_consents(
            member_id=member_id,
            statements=[choice],
            text_version=text.version,
            language=text.language,
            source=source,
            proof=proof,
            now=now,
        )
    return rows


def _meant(said: _Said, statements: Iterable[Statement]) -> dict[tuple[str, str], bool]:
    """Return yes or no by purpose and channel."""
    wanted: dict[tuple[str, str], bool] = {}
    for word in statements:
        channels = [word.channel]
        if word.granted and said.actor is None:
            channels = channels_meant(
                word.purpose, word.channel, settings.DOUBLE_OPT_IN
            )
        for channel in channels:
            wanted[word.purpose, channel] = word.granted
    return wanted


def _waits(said: _Said, purpose: str, channel: str) -> bool:
    return said.actor is None and needs_second_step(
        purpose, channel, settings.DOUBLE_OPT_IN
    )


def _row(said: _Said, purpose: str, channel: str, *, granted: bool) -> Consent:
    return Consent(
        member=said.member,
        purpose=purpose,
        channel=channel,
        granted=granted,
        text_version=said.text_version,
        text_digest=_digest(said, purpose) if granted else None,
        source=said.source,
        request_id=said.proof.request_id[:64],
        network=said.proof.network,
        agent=said.proof.agent,
        actor=_name(said.actor)[:150],
        reason=said.reason[:200],
        occurred_at=said.now,
    )


def _digest(said: _Said, purpose: str) -> bytes | None:
    """Return the fingerprint of the text agreed to; None for one of another house."""
    if said.member.state not in {ACTIVE, FROZEN}:
        raise MembershipOver
    text = consent_text(
        purpose=purpose,
        version=said.text_version,
        language=said.language or said.member.language,
    )
    if text is None and said.actor is None:
        raise UnknownText
    return bytes(text.digest) if text else None


def _name(actor: Any) -> str:
    if actor is None:
        return ""
    return actor if isinstance(actor, str) else actor.get_username()


def _audit(said: _Said, rows: list[Consent]) -> None:
    record_audit(
        actor=said.actor,
        action="members.consent",
        obj=said.member,
        reason=said.reason,
        detail={f"{row.purpose}.{row.channel}": row.granted for row in rows},
        now=said.now,
    )


def _cancel_request(member_id: int, purpose: str, channel: str) -> None:
    """A no takes back what waits for its second step."""
    ConsentRequest.objects.filter(
        member_id=member_id, purpose=purpose, channel=channel, confirmed_at__isnull=True
    ).delete()


def _ask_again(said: _Said, purpose: str, channel: str) -> None:
    """Open, or open anew, the request that a link must confirm.

    Asking again before the link was followed sends it again, three times at most
    and a minute apart; beyond that nothing happens, and the page looks the same.
    """
    digest = _digest(said, purpose)
    open_now = ConsentRequest.objects.filter(
        member=said.member, purpose=purpose, channel=channel, confirmed_at__isnull=True
    ).first()
    sends = open_now.sends if open_now and open_now.expires_at > said.now else 0
    if sends and not may_send_again(
        sends=sends, last_sent_at=open_now.last_sent_at, now=said.now
    ):
        return
    request, _made = ConsentRequest.objects.update_or_create(
        member=said.member,
        purpose=purpose,
        channel=channel,
        confirmed_at=None,
        defaults={
            "text_version": said.text_version,
            "text_digest": digest,
            "source": said.source,
            "request_id": said.proof.request_id[:64],
            "network": said.proof.network,
            "agent": said.proof.agent,
            "token_mark": None,
            "address_mark": None,
            "sends": sends + 1,
            "last_sent_at": said.now,
            "requested_at": said.now,
            "expires_at": said.now + CONFIRM_WITHIN,
        },
    )
    record(ConsentRequested(request_id=request.pk, send=request.sends))
