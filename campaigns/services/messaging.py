"""Writing messages: one row, once, in the member's language."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from campaigns.models import Message
from crm.shared.money import display_amount
from crm.shared.public_ids import new_public_id
from members.models import Consent, Member


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """Subject and text with named places; plain text, no markup, no code."""

    subject: Any
    body: Any
    #: Consent it needs, and unsubscribing ends; empty for what a member asked for.
    purpose: str = Consent.Purpose.MARKETING


TEMPLATES = {
    "coupon_issued": MessageTemplate(
        _("A coupon for you"),
        _("You received “%(coupon)s”. Use code %(code)s until %(until)s."),
    ),
    "tier_at_risk": MessageTemplate(
        _("Keep your tier"),
        _(
            "Your tier %(tier)s is good until %(until)s. What is still missing to keep "
            "it: %(missing)s."
        ),
    ),
    "plan_unpaid": MessageTemplate(
        _("Your plan could not be renewed"),
        _(
            "“%(plan)s” could not be renewed. You can pay until %(until)s; until then "
            "everything stays as it is."
        ),
        purpose="",
    ),
    "plan_ended": MessageTemplate(
        _("Your plan has ended"),
        _("“%(plan)s” has ended. You can take it up again at any time."),
        purpose="",
    ),
    "order_shipped": MessageTemplate(
        _("Your order is on its way"),
        _(
            "A parcel of your order %(number)s has left us. Carrier: %(carrier)s. "
            "Tracking number: %(tracking)s."
        ),
        purpose="",
    ),
    "group_succeeded": MessageTemplate(
        _("Your group is complete"),
        _("Your group for “%(deal)s” is complete. Your order is being prepared."),
        purpose="",
    ),
    "group_completed_by_shop": MessageTemplate(
        _("Your group is complete"),
        _(
            "The shop completed your group for “%(deal)s”. "
            "Your order is being prepared."
        ),
        purpose="",
    ),
    "group_failed": MessageTemplate(
        _("Your group did not come together"),
        _(
            "Too few members joined your group for “%(deal)s” in time. All you paid "
            "goes back the way you paid."
        ),
        purpose="",
    ),
    "consent_confirm": MessageTemplate(
        _("Please confirm"),
        _(
            "You asked for offers from %(shop)s. Open this page to confirm it: "
            "%(link)s If it was not you, do nothing."
        ),
        purpose="",
    ),
    "refund_done": MessageTemplate(
        _("Your refund"),
        _("%(amount)s of your order %(order)s went back the way you paid."),
        purpose="",
    ),
    "refund_done_points": MessageTemplate(
        _("Your refund"),
        _(
            "%(amount)s of your order %(order)s went back the way you paid, and "
            "%(points)s points came back to you."
        ),
        purpose="",
    ),
}


def text_of(
    template: str, *, context: dict[str, str], language: str
) -> tuple[str, str]:
    """Return subject and text of a message in a member's language."""
    text = TEMPLATES[template]
    with override(language or "zh-hans"):
        return str(text.subject) % context, str(text.body) % context


def refund_words(
    *, order_number: str, amount_minor: int, currency: str, points: int
) -> tuple[str, dict[str, str]]:
    """Return the template and the places of what is said about a refund."""
    context = {
        "amount": display_amount(amount_minor, currency),
        "order": order_number,
        "points": f"{points:,d}",
    }
    return ("refund_done_points" if points else "refund_done"), context


def purpose_of(template: str) -> str:
    """Return the consent a message needs, ``""`` for none; unknown ones need it."""
    known = TEMPLATES.get(template)
    return known.purpose if known else Consent.Purpose.MARKETING


@transaction.atomic
def write_message(
    *,
    member_id: int,
    channel: str,
    template: str,
    context: dict[str, str],
    dedupe_key: str,
    now: datetime,
) -> Message:
    """Queue one message; a second call with the same key changes nothing.

    Args:
        template: a name in ``TEMPLATES``.
        context: values of its places, already formatted.
        dedupe_key: names the occasion, such as ``coupon:cpn_…:email``.
    """
    member = Member.objects.get(pk=member_id)
    subject, body = text_of(template, context=context, language=member.language)
    message = Message(
        public_id=new_public_id("msg"),
        member_id=member_id,
        channel=channel,
        template=template,
        subject=subject,
        body=body,
        dedupe_key=dedupe_key,
        send_after=now,
        created_at=now,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    return Message.objects.get(dedupe_key=dedupe_key)
