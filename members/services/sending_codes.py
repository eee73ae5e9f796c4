"""Send queued one-time codes, outside any request and any transaction."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext, override

from crm import wiring
from crm.shared.letters import Letter
from members.models import Member, SignInCode
from members.queries import contact_is

log = logging.getLogger(__name__)


def send_due_codes(*, now: datetime, limit: int = 50) -> int:
    """Send what is queued and still good; return how many were sent.

    Each is sent at most once: should this process die in between, the person asks
    again after a minute. An SMS sent twice costs money and trust.
    """
    return sum(_send(code) for code in _claim(now=now, limit=limit))


@transaction.atomic
def _claim(*, now: datetime, limit: int) -> list[SignInCode]:
    codes = list(
        SignInCode.objects.select_for_update(skip_locked=True)
        .filter(state=SignInCode.State.QUEUED, expires_at__gt=now)
        .order_by("created_at")[:limit]
    )
    SignInCode.objects.filter(pk__in=[code.pk for code in codes]).update(
        state=SignInCode.State.SENDING
    )
    return codes


def _send(code: SignInCode) -> bool:
    state = SignInCode.State.SENT
    if not code.contact or not code.code:
        state = SignInCode.State.FAILED
    elif Member.objects.filter(contact_is(code.contact), is_demo=True).exists():
        # Invented people may carry the number of a real one.
        state = SignInCode.State.SUPPRESSED
    else:
        try:
            _channel(code)(_letter(code), code.contact)
        except Exception as error:  # a provider may fail in any way
            log.error(
                "A sign-in code was not sent.",
                extra={"channel": code.channel, "error": type(error).__name__},
            )
            state = SignInCode.State.FAILED
    SignInCode.objects.filter(pk=code.pk).update(state=state, code=None)
    return state == SignInCode.State.SENT


def _channel(code: SignInCode) -> Callable[[Letter, str], None]:
    return import_string(wiring.CHANNELS[code.channel])().send


def _letter(code: SignInCode) -> Letter:
    """Write the code down; it asks for no consent and so has no way out."""
    values = {"code": code.code, "shop": settings.SHOP_NAME}
    language = code.language or settings.LANGUAGE_CODE
    with override(language):
        return Letter(
            public_id=code.public_id,
            language=language,
            subject=gettext("Your code for %(shop)s") % values,
            body=gettext(
                "%(code)s is your code for %(shop)s. It is good for ten minutes. "
                "Tell it to nobody, not even to us."
            )
            % values,
        )
