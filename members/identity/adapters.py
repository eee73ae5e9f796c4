"""What django-allauth asks of us: who joins, who comes in, whom it writes to."""

import logging
from smtplib import SMTPException
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.adapter import DefaultHeadlessAdapter
from django.conf import settings
from django.db import transaction
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from crm.shared import clock
from crm.shared.allowances import TooOften
from crm.shared.errors import Refusal
from members.identity.callers import address_of, describe_session
from members.identity.middleware import sign_in_problem
from members.models import User
from members.queries import member_of
from members.rules.devices import caller_of, network_of
from members.rules.lifecycle import ENDED
from members.services.aliasing import address_behind, known_alias
from members.services.devices import end_sessions
from members.services.guarding import count_try, forgive_try
from members.services.joining import join
from members.services.signing_in import mark_email_proved
from members.services.waking import note_activity
from members.sessions import key_mark

log = logging.getLogger(__name__)

SOURCE = "storefront"


class AccountAdapter(DefaultAccountAdapter):
    """Signs people up as members and writes to their real address."""

    def save_user(self, request, user, form, commit=True):
        """Save the login and make its owner a member, both or neither."""
        try:
            with transaction.atomic():
                user = super().save_user(request, user, form, commit=True)
                join(
                    name=form.cleaned_data.get("name", ""),
                    email=request.typed_email,
                    source=SOURCE,
                    language=get_language() or "",
                    user=user,
                    invitation_code=form.cleaned_data.get("invitation_code", ""),
                    now=clock.now(),
                )
        except Refusal as refusal:
            # Somebody else joined with this address in the same moment.
            answer = sign_in_problem(400, "email_taken", str(refusal))
            raise ImmediateHttpResponse(answer) from refusal
        return user

    def pre_authenticate(self, request, **credentials):
        """Count this try of a password, before the password is looked at."""
        try:
            count_try(**_try_of(request, credentials), now=clock.now())
        except TooOften as refusal:
            raise self.validation_error("too_many_login_attempts") from refusal

    def authenticate(self, request, **credentials):
        """Check a password; the right one costs no try."""
        user = super().authenticate(request, **credentials)
        if user is not None:
            forgive_try(**_try_of(request, credentials), now=clock.now())
        return user

    def pre_login(self, request, user, **kwargs):
        """Let nobody in whose membership has ended; tell them no more than that."""
        member = member_of(user)
        if member is not None and member.state in ENDED:
            clear_login(request)
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def login(self, request, user):
        """Open the session; write down on what device, and that they were here."""
        super().login(request, user)
        describe_session(request, user)
        member = member_of(user)
        if member is not None:
            at = clock.now()
            note_activity(member_id=member.pk, at=at, now=at)

    def set_password(self, user, password):
        """Set a password and end all other sessions of this login."""
        super().set_password(user, password)
        key = context.request.session.session_key
        keep = key_mark(key) if key and context.request.user == user else None
        end_sessions(user_id=user.pk, keep=keep)

    def confirm_email(self, request, email_address):
        """Mark an address as proved, on the member, too."""
        confirmed = super().confirm_email(request, email_address)
        if confirmed:
            mark_email_proved(user_id=email_address.user_id, now=clock.now())
        return confirmed

    def get_client_ip(self, request):
        """Return whom rate limits of allauth count; also when proxies do not add up."""
        return address_of(request) or "unknown"

    def get_phone(self, user):
        """Return nothing: phones are the member's, see ``members.api.sign_in``."""

    def is_safe_url(self, url):
        """Let people go on to the storefront, which may live on another host."""
        storefront = urlsplit(settings.STOREFRONT_URL).netloc
        return super().is_safe_url(url) or url_has_allowed_host_and_scheme(
            url, {storefront}, require_https=settings.IS_PRODUCTION
        )

    def send_mail(self, template_prefix, email, context):
        """Send to the address behind an alias; to nobody when there is none."""
        address = _address_for(email)
        if not address:
            return
        try:
            super().send_mail(template_prefix, address, context)
        except (OSError, SMTPException) as error:
            # Told, it would tell a known address from an unknown one.
            log.error("Mail %s was not sent: %s", template_prefix, type(error).__name__)


def _try_of(request, credentials) -> dict[str, str]:
    address = address_of(request)
    return {
        "login": credentials.get("email") or credentials.get("username") or "",
        "caller": caller_of(address),
        "network": network_of(address),
    }


def _address_for(alias: str) -> str | None:
    known = address_behind(alias)
    if known:
        return known
    # Nobody's: somebody asked for it just now, and is told so at that address.
    typed = getattr(context.request, "typed_email", "")
    return typed if typed and known_alias(typed) == alias else None


class HeadlessAdapter(DefaultHeadlessAdapter):
    """What an app learns about who signed in."""

    def user_as_dataclass(self, user):
        """Show the member's public id, number and own address; aliases never."""
        member = member_of(user)
        return self.get_user_dataclass()(
            id=member.public_id if member else None,
            display=display_of_login(user),
            email=member.email if member else None,
            has_usable_password=user.has_usable_password(),
            username="",
        )


def display_of_login(user: User) -> str:
    """Return what mails and apps call the owner of a login."""
    member = member_of(user)
    return member.number if member else user.get_username()
