"""The first step at the console: user name and password."""

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from crm.console.second_factor import ask_for_it, come_in, must_show
from crm.shared.allowances import TooOften
from crm.shared.clock import now
from crm.shared.problems import too_often
from members.identity.callers import address_of
from members.rules.devices import caller_of, network_of
from members.services.guarding import count_try, forgive_try


class SignIn(LoginView):
    """Counts tries before it looks at a password; asks for a second factor after."""

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Check name and password."""
        try:
            count_try(**self._whose(), now=now())
        except TooOften as refusal:
            return too_often(request, refusal)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form) -> HttpResponse:
        """Sign in, or go on to the second step; the right password costs no try."""
        user = form.get_user()
        forgive_try(**self._whose(), now=now())
        then = self.get_success_url()
        if must_show(user):
            response = ask_for_it(self.request, user, then=then)
        else:
            come_in(self.request, user, second_factor=False)
            response = HttpResponseRedirect(then)
        if user.language:
            response.set_cookie(settings.LANGUAGE_COOKIE_NAME, user.language)
        return response

    def _whose(self) -> dict[str, str]:
        address = address_of(self.request)
        return {
            "login": self.request.POST.get("username", "")[:150],
            "caller": caller_of(address),
            "network": network_of(address),
        }
