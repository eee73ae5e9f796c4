"""Unsubscribing, preferences, and the second step of a double opt-in.

The token in the address is the credential. GET shows a page with a button and
changes nothing, for mail scanners follow every link; POST does it.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from crm.shared.clock import now
from crm.shared.errors import Refusal
from members.evidence import proof_of
from members.links import BadLink, Unsubscription, read_preferences, read_unsubscribe
from members.models import Consent, Member
from members.queries import asked_consents, text_with_digest
from members.rules.lifecycle import ACTIVE, FROZEN
from members.services.confirming import LinkIsOver, confirm_consent, find_request
from members.services.consenting import Statement, choose_consents, withdraw_consent


# No cookie proves anything here, so there is no session to ride on: whoever could
# forge the request holds the token, and programs that unsubscribe send no CSRF token.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class LinkPage(View):
    """Base: opens the token first, and keeps the address from leaking on."""

    template = ""
    gone: tuple[type[Exception], ...] = (BadLink, LinkIsOver, Member.DoesNotExist)

    def dispatch(self, request: HttpRequest, token: str) -> HttpResponse:
        """Answer 404 for any link that does not open, without saying why."""
        try:
            response = super().dispatch(request, token)
        except self.gone:
            response = render(request, "members/link_over.html", status=404)
        # The address must not reach other sites as the page one came from.
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex"
        return response

    def page(self, **context) -> HttpResponse:
        """Show the page of this link."""
        return render(self.request, self.template, context)


class Unsubscribe(LinkPage):
    """Takes one consent back; works for ever and any number of times (RFC 8058)."""

    template = "members/unsubscribe.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show the button."""
        return self._page(read_unsubscribe(token), done=False)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Unsubscribe: by the button, or by a mail program at one click."""
        wanted = read_unsubscribe(token)
        member = Member.objects.only("pk").get(public_id=wanted.member)
        one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        withdraw_consent(
            member_id=member.pk,
            purpose=wanted.purpose,
            channel=wanted.channel,
            source="one-click" if one_click else "unsubscribe page",
            proof=proof_of(request),
            now=now(),
        )
        return self._page(wanted, done=True)

    def _page(self, wanted: Unsubscription, *, done: bool) -> HttpResponse:
        return self.page(channel=Consent.Channel(wanted.channel).label, done=done)


class Preferences(LinkPage):
    """What a member allows, purpose by channel, to read and to change."""

    template = "members/preferences.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show how things stand."""
        return self._page(self._member(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Save what was changed; a yes may wait for its second step."""
        member = self._member(token)
        asked = asked_consents(
            member_id=member.pk, language=get_language() or "", at=now()
        )
        try:
            choose_consents(
                member_id=member.pk,
                choices=[
                    Statement(row.purpose, row.channel, row.name in request.POST)
                    for row in asked
                ],
                language=get_language() or "",
                source="preference page",
                proof=proof_of(request),
                now=now(),
            )
        except Refusal as refusal:
            return self._page(member, error=str(refusal))
        return self._page(member, done=_("Your choices are saved."))

    def _member(self, token: str) -> Member:
        return Member.objects.get(
            public_id=read_preferences(token), state__in=[ACTIVE, FROZEN]
        )

    def _page(self, member: Member, **said) -> HttpResponse:
        asked = asked_consents(
            member_id=member.pk, language=get_language() or "", at=now()
        )
        return self.page(asked=asked, **said)


class ConfirmConsent(LinkPage):
    """The link of a double opt-in."""

    template = "members/confirm_consent.html"

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show what was agreed to, and the button."""
        found = find_request(token=token, now=now())
        return self.page(
            text=text_with_digest(bytes(found.text_digest)),
            channel=found.get_channel_display(),
            done=found.confirmed_at is not None,
        )

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Grant it."""
        consent = confirm_consent(token=token, proof=proof_of(request), now=now())
        return self.page(
            text=text_with_digest(bytes(consent.text_digest)),
            channel=consent.get_channel_display(),
            done=True,
        )
