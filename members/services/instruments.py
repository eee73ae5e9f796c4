"""Bind cards and wallets, have them checked, forget them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.blind_index import blind_lookup
from crm.shared.errors import Refusal
from crm.shared.outbox import record
from members.events import InstrumentVerified
from members.models import (
    Member,
    PaymentInstrument,
    Verification,
    VerificationResult,
)
from members.rules.card_numbers import looks_like_card_number
from members.verifiers.base import (
    BadVerdict,
    Verdict,
    VerifierUnavailable,
    verifier_of,
)

MOST_INSTRUMENTS = 20
#: Questions about one instrument within ``ASKING_WINDOW``; each may cost a fee.
MOST_QUESTIONS = 5
ASKING_WINDOW = timedelta(days=1)
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")
_LAST_FOUR = re.compile(r"[0-9]{4}")
_BRAND = re.compile(r"[\w .-]{0,20}")
_REFERENCE = re.compile(r"[\x21-\x7e]{1,80}")
_REASON = re.compile(r"[\w.-]{0,40}", re.ASCII)


class CardDataRefused(Refusal):
    """This looks like a card number. Send the provider's token instead."""

    code = "card_data_refused"
    status = 422
    message = _("This looks like a card number. Send the provider's token instead.")


class BadInstrument(Refusal):
    """The value of a field cannot be kept."""

    code = "invalid_instrument"
    status = 422
    message = _("The value of %(field)s cannot be kept.")


class InstrumentBelongsToAnother(Refusal):
    """Another member has bound this instrument."""

    code = "instrument_belongs_to_another"
    message = _("Another member has bound this instrument.")


class TooManyInstruments(Refusal):
    """A member can bind so many instruments."""

    code = "too_many_instruments"
    message = _("You can bind %(most)s instruments at most. Remove one first.")


class MemberNotActive(Refusal):
    """Only active members can do this."""

    code = "member_not_active"
    message = _("Only active members can do this.")


class UnknownInstrument(Refusal):
    """There is no such instrument."""

    code = "not_found"
    status = 404
    message = _("There is no such instrument.")


class UnknownVerification(Refusal):
    """Nobody asked about this."""

    code = "not_found"
    status = 404
    message = _("Nobody asked about this.")


class AskedTooOften(Refusal):
    """This instrument was checked too often. Try again tomorrow."""

    code = "asked_too_often"
    status = 429
    message = _("This instrument was checked too often. Try again tomorrow.")


def bind_instrument(
    *,
    member_id: int,
    verifier: str,
    kind: str,
    token: str,
    brand: str = "",
    last_four: str = "",
    now: datetime,
) -> PaymentInstrument:
    """Keep the verifier's token for a card or wallet; repeating it is harmless.

    Args:
        member_id: whose.
        verifier: code of ``crm.wiring.INSTRUMENT_VERIFIERS``.
        kind: ``PaymentInstrument.Kind``.
        token: the provider's name for it, never a card number.
        brand: such as ``visa`` or ``unionpay``.
        last_four: of a card; empty for wallets.
        now: when, aware.

    Raises:
        UnknownVerifier: not in this shop, or not for this kind.
        CardDataRefused, BadInstrument: a value must not or cannot be kept.
        InstrumentBelongsToAnother: somebody else has bound it.
        TooManyInstruments, MemberNotActive: see there.
    """
    _refuse_bad(token=token, brand=brand, last_four=last_four, kind=kind)
    if kind not in verifier_of(verifier).kinds:
        raise BadInstrument(field="kind")
    row = PaymentInstrument(
        member_id=member_id,
        verifier=verifier,
        kind=kind,
        token=token,
        brand=brand,
        last_four=last_four or None,
        bound_at=now,
    )
    try:
        with transaction.atomic():
            bound = _bind(row)
    except IntegrityError as error:
        # Two members at once: the rows of both were locked, but not the token.
        raise InstrumentBelongsToAnother from error
    return PaymentInstrument.objects.with_standing().get(pk=bound.pk)


def _bind(row: PaymentInstrument) -> PaymentInstrument:
    member = Member.objects.select_for_update().get(pk=row.member_id)
    if member.state != Member.State.ACTIVE:
        raise MemberNotActive
    known = PaymentInstrument.objects.filter(
        blind_lookup(PaymentInstrument, "token_index", row.token),
        verifier=row.verifier,
    ).first()
    if known is not None and known.member_id != member.pk:
        raise InstrumentBelongsToAnother
    if known is not None:
        return known
    # The member's row is the lock: nobody binds between counting and writing.
    if member.instruments.bound().count() >= MOST_INSTRUMENTS:
        raise TooManyInstruments(most=MOST_INSTRUMENTS)
    row.save(force_insert=True)
    return row


def _refuse_bad(*, token: str, brand: str, last_four: str, kind: str) -> None:
    if any(looks_like_card_number(text) for text in (token, brand, last_four)):
        raise CardDataRefused
    if not _TOKEN.fullmatch(token):
        raise BadInstrument(field="token")
    if not _BRAND.fullmatch(brand):
        raise BadInstrument(field="brand")
    is_card = kind == PaymentInstrument.Kind.CARD
    if bool(last_four) != is_card or (is_card and not _LAST_FOUR.fullmatch(last_four)):
        raise BadInstrument(field="last_four")


@transaction.atomic
def remove_instrument(*, member_id: int, instrument: str, now: datetime) -> None:
    """Forget an instrument's token and digits; what was verified stays on record.

    Raises:
        UnknownInstrument: the member has none with this public id.
    """
    row = _lock(member_id, instrument)
    row.token = row.last_four = None
    row.removed_at = now
    row.save(update_fields=["token", "last_four", "removed_at"])


@transaction.atomic
def remove_instruments(*, member_id: int, now: datetime) -> int:
    """Forget all instruments of a member who is being erased; return how many."""
    bound = PaymentInstrument.objects.bound().filter(member_id=member_id)
    rows = list(bound.select_for_update().order_by("pk"))
    for row in rows:
        row.token = row.last_four = None
        row.removed_at = now
        row.save(update_fields=["token", "last_four", "removed_at"])
    return len(rows)


def verify_instrument(
    *, member_id: int, instrument: str, now: datetime
) -> PaymentInstrument:
    """Have an instrument checked, or ask again about a question without an answer.

    The verifier is asked after the question is committed, outside any transaction.
    Its answer comes now or later (``take_verdict``).

    Returns:
        The instrument with its standing.

    Raises:
        UnknownInstrument: the member has none with this public id.
        AskedTooOften: more than ``MOST_QUESTIONS`` within ``ASKING_WINDOW``.
        UnknownVerifier: the shop has given the verifier up.
    """
    question = _open_question(member_id, instrument, now)
    row = question.instrument
    try:
        verdict = verifier_of(row.verifier).verify(
            key=question.public_id, token=row.token
        )
    except VerifierUnavailable:
        verdict = None  # Still pending; asking again uses the same key.
    if verdict is not None:
        _keep(row.verifier, verdict, now)
    return PaymentInstrument.objects.with_standing().get(pk=row.pk)


@transaction.atomic
def _open_question(member_id: int, instrument: str, now: datetime) -> Verification:
    row = _lock(member_id, instrument)
    recent = list(
        row.verifications.filter(asked_at__gt=now - ASKING_WINDOW)
        .select_related("result")
        .order_by("-pk")
    )
    if recent and not hasattr(recent[0], "result"):
        question = recent[0]
    elif len(recent) >= MOST_QUESTIONS:
        raise AskedTooOften
    else:
        question = row.verifications.create(asked_at=now)
    question.instrument = row
    return question


def _lock(member_id: int, instrument: str) -> PaymentInstrument:
    row = (
        PaymentInstrument.objects.bound()
        .select_for_update()
        .filter(member_id=member_id, public_id=instrument)
        .first()
    )
    if row is None:
        raise UnknownInstrument
    return row


def take_verdict(
    *, verifier: str, body: bytes, headers: Mapping[str, str], now: datetime
) -> VerificationResult:
    """Take a verifier's message. The first answer to a question stands.

    Raises:
        UnknownVerifier, BadVerdict: nobody we know, or not signed, or unreadable.
        UnknownVerification: signed, but about no question to this verifier.
    """
    verdict = verifier_of(verifier).read_callback(body=body, headers=headers)
    return _keep(verifier, verdict, now)


@transaction.atomic
def _keep(verifier: str, verdict: Verdict, now: datetime) -> VerificationResult:
    if not _is_fit(verdict):
        raise BadVerdict
    question = (
        Verification.objects.select_related("instrument")
        .filter(public_id=verdict.key, instrument__verifier=verifier)
        .first()
    )
    if question is None:
        raise UnknownVerification
    result, is_first = VerificationResult.objects.get_or_create(
        verification=question,
        defaults={
            "outcome": verdict.outcome,
            "reference": verdict.reference,
            "reason": verdict.reason,
            "decided_at": verdict.decided_at,
            "received_at": now,
        },
    )
    if is_first:
        record(
            InstrumentVerified(
                member_id=question.instrument.member_id,
                instrument_id=question.instrument_id,
                passed=verdict.outcome == VerificationResult.Outcome.PASSED,
            )
        )
    return result


def _is_fit(verdict: Verdict) -> bool:
    """Whether the evidence can be kept: short codes.

    A reference may look like a card number by chance, and the verifier would not send
    it anew; so it is not refused for that.
    """
    return bool(
        _REFERENCE.fullmatch(verdict.reference) and _REASON.fullmatch(verdict.reason)
    )
