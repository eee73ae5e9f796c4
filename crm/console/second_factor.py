"""The step after the password at the console: six digits of an authenticator app.

Between the two steps nobody is signed in: the session only remembers whose password
was right. So no other door, of ours or of allauth, opens to half a sign-in.
"""

from datetime import timedelta
from urllib.parse import urlencode

from allauth.mfa.adapter import get_adapter
from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.console.rules.second_factor import SENSITIVE
from crm.shared.allowances import TooOften
from crm.shared.clock import now
from members.identity.callers import address_of, describe_session
from members.models import User
from members.rules.devices import caller_of, network_of
from members.services.guarding import count_try, forgive_try
from members.services.second_factors import (
    check_second_factor,
    has_second_factor,
    new_secret,
    set_up_second_factor,
)

#: Whose password was right, when, and where they wanted to go.
PENDING = "console_pending"
#: The secret shown to somebody who sets an app up.
SECRET = "console_secret"  # noqa: S105  the name, not the value
#: This session showed a second factor.
DONE = "console_second_factor"
PATIENCE = timedelta(minutes=10)
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class CodeForm(forms.Form):
    """Six digits of the app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True}
        ),
    )

    def clean_code(self) -> str:
        """Return the code without the spaces it may be shown with."""
        return "".join(self.cleaned_data["code"].split())


def needs_second_factor(user) -> bool:
    """Return whether the rights of this login are worth a second factor."""
    return settings.STAFF_SECOND_FACTOR and any(map(user.has_perm, SENSITIVE))


def is_complete(request: HttpRequest) -> bool:
    """Return whether this session may open the pages of its login."""
    return DONE in request.session or not needs_second_factor(request.user)


def must_show(user: User) -> bool:
    """Return whether this login comes in only with a second factor."""
    if not settings.STAFF_SECOND_FACTOR:
        return False
    return needs_second_factor(user) or has_second_factor(user_id=user.pk)


def ask_for_it(request: HttpRequest, user: User, *, then: str) -> HttpResponse:
    """Remember whose password was right and go to the second step."""
    request.session.flush()
    request.session[PENDING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "at": now().timestamp(),
        "then": then,
    }
    return HttpResponseRedirect(reverse("admin:second_factor"))


def come_in(request: HttpRequest, user: User, *, second_factor: bool) -> None:
    """Sign a login of staff in; what the second step needed is forgotten."""
    for name in (PENDING, SECRET):
        request.session.pop(name, None)
    login(request, user, backend=_BACKEND)
    describe_session(request, user)
    if second_factor:
        request.session[DONE] = True


def second_factor_page(request: HttpRequest, site) -> HttpResponse:
    """Take the code, or set an app up first where there is none yet."""
    pending = request.session.get(PENDING)
    user = _owner(pending)
    if user is None:
        again = {"next": (pending or {}).get("then", reverse("admin:index"))}
        return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode(again)}")
    secret = "" if has_second_factor(user_id=user.pk) else _secret(request)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done, codes = _try(request, user, secret, form.cleaned_data["code"])
        except TooOften as refusal:
            return _page(request, site, user, form, secret=secret, refusal=refusal)
        if done:
            come_in(request, user, second_factor=True)
            then = _safe(request, pending["then"])
            if codes:
                return _show(request, site, {"codes": codes, "then": then})
            return HttpResponseRedirect(then)
        form.add_error("code", _("This code is wrong, used or too old."))
    return _page(request, site, user, form, secret=secret)


def _owner(pending: dict | None) -> User | None:
    """Return whose password was right a moment ago, and still is the same."""
    if not pending or now().timestamp() - pending["at"] > PATIENCE.total_seconds():
        return None
    user = User.objects.filter(
        pk=pending["user"], is_active=True, is_staff=True
    ).first()
    if user is None or not constant_time_compare(
        user.get_session_auth_hash(), pending["password"]
    ):
        return None
    return user


def _secret(request: HttpRequest) -> str:
    if SECRET not in request.session:
        request.session[SECRET] = new_secret()
    return request.session[SECRET]


def _try(
    request: HttpRequest, user: User, secret: str, code: str
) -> tuple[bool, list[str]]:
    """Return whether the code is right, and recovery codes to show once."""
    address = address_of(request)
    whose = {
        "login": f"second-factor:{user.pk}",
        "caller": caller_of(address),
        "network": network_of(address),
    }
    count_try(**whose, now=now())
    codes: list[str] = []
    if secret:
        codes = set_up_second_factor(
            user_id=user.pk, secret=secret, code=code, now=now()
        )
        right = bool(codes)
    else:
        right = check_second_factor(user_id=user.pk, code=code)
    if right:
        forgive_try(**whose, now=now())
    return right, codes


def _safe(request: HttpRequest, then: str) -> str:
    known = url_has_allowed_host_and_scheme(
        then, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return then if known else reverse("admin:index")


def _page(
    request: HttpRequest,
    site,
    user: User,
    form: CodeForm,
    *,
    secret: str,
    refusal: TooOften | None = None,
) -> HttpResponse:
    context = {"form": form, "refusal": refusal}
    if secret:
        adapter = get_adapter()
        picture = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
        context["picture"] = picture[picture.index("<svg") :]
        context["secret"] = " ".join(
            secret[i : i + 4] for i in range(0, len(secret), 4)
        )
    response = _show(request, site, context)
    if refusal is not None:
        response.status_code = refusal.status
        response["Retry-After"] = refusal.headers["Retry-After"]
    return response


def _show(request: HttpRequest, site, context: dict) -> TemplateResponse:
    return TemplateResponse(
        request,
        "console/second_factor.html",
        {**site.each_context(request), "title": _("Second factor"), **context},
    )
