"""The staff site: home page, command palette, language, sign-in."""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.admin.options import ModelAdmin as PlainModelAdmin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST
from django.views.i18n import JavaScriptCatalog, set_language
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from crm.console.clock import clock_page, may_move_clock
from crm.console.demo.logins import LOGINS, PASSWORD
from crm.console.navigation import sidebar
from crm.console.queries.home import home_page
from crm.console.queries.palette import find_anything
from crm.console.second_factor import is_complete, second_factor_page
from crm.console.sign_in import SignIn
from crm.console.skin import colour_rules
from crm.console.staff_discount import staff_discount_page
from crm.console.why_not import why_not_page
from crm.console.work import queue_page, work_page
from crm.shared.clock import now, offset
from members.models import User


def demo_logins() -> dict[str, Any]:
    """Return the people one may look around as; nobody outside a demo shop."""
    if settings.ENVIRONMENT != "demo":
        return {}
    names = [login.username for login in LOGINS]
    known = set(
        User.objects.filter(username__in=names).values_list("username", flat=True)
    )
    return {
        "demo_logins": [login for login in LOGINS if login.username in known],
        "demo_password": PASSWORD,
    }


class ScriptCatalog(JavaScriptCatalog):
    """The messages of scripts (``djangojs``), with those under ``locale``."""

    def get_paths(self, packages: list[str]) -> list[str]:
        """Let our folder speak last."""
        return [*super().get_paths(packages), *map(str, settings.LOCALE_PATHS)]


class ConsoleSite(UnfoldAdminSite):
    """Our admin site. Pages of packages that do not wear its skin stay out."""

    index_template = "console/home.html"
    login_template = "console/login.html"
    index_title = _("Home")
    empty_value_display = "–"

    def register(self, model_or_iterable, admin_class=None, **options):
        """Register pages of the console; ignore plain pages of packages.

        allauth and others register theirs on import. They would look broken and
        offer rows that only their package may write.
        """
        if issubclass(admin_class or PlainModelAdmin, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def extra_urls(self) -> list[URLPattern]:
        """Add the pages that belong to no table."""
        return [
            path(
                "language/",
                self.admin_view(require_POST(self.choose_language)),
                name="language",
            ),
            path("clock/", self.admin_view(self.clock), name="clock"),
            path("why-not/", self.admin_view(self.why_not), name="why_not"),
            path(
                "carts/<str:cart_id>/discount/",
                self.admin_view(self.staff_discount),
                name="staff_discount",
            ),
            path("to-do/", self.admin_view(self.work), name="work"),
            path(
                "to-do/<slug:code>/",
                self.admin_view(self.work_queue),
                name="work_queue",
            ),
            path("second-factor/", self.second_factor, name="second_factor"),
        ]

    def get_sidebar_list(self, request: HttpRequest) -> list[SafeString]:
        """Return the sections of the sidebar, written out."""
        return sidebar(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Return what this login may open, found once a page looks at it.

        Django asks for it on every page, and only two of them show it.
        """
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def clock(self, request: HttpRequest) -> HttpResponse:
        """Move the clock of a shop that is not the real one."""
        return clock_page(request, self)

    def why_not(self, request: HttpRequest) -> HttpResponse:
        """Tell why a code or an offer does nothing on a cart."""
        return why_not_page(request, self)

    def staff_discount(self, request: HttpRequest, cart_id: str) -> HttpResponse:
        """Take something off a cart by hand."""
        return staff_discount_page(request, self, cart_id)

    def work(self, request: HttpRequest) -> HttpResponse:
        """Show what waits for somebody."""
        return work_page(request, self)

    def work_queue(self, request: HttpRequest, code: str) -> HttpResponse:
        """Show one queue, or do the next action of one of its rows."""
        return queue_page(request, self, code)

    def i18n_javascript(self, request: HttpRequest, extra_context=None):
        """Serve what scripts say, in words of Django and ours where it has none."""
        return ScriptCatalog.as_view(packages=["django.contrib.admin"])(request)

    def index(self, request: HttpRequest, extra_context=None) -> TemplateResponse:
        """Show the home page of this login."""
        facts = home_page(user=request.user, at=now())
        return super().index(request, {**facts, **(extra_context or {})})

    def search(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Answer the command palette: at most ten hits, nothing remembered.

        Unfold would keep hits, and with them names of people, in the cache.
        """
        text = request.GET.get("s", "").strip()
        if not text:
            return HttpResponse()
        hits = find_anything(user=request.user, text=text)
        return TemplateResponse(
            request,
            "console/palette_results.html",
            {"results": hits},
            headers={"HX-Trigger": "search", "Cache-Control": "no-store"},
        )

    def has_permission(self, request: HttpRequest) -> bool:
        """Let staff in who showed all that their rights are worth."""
        return super().has_permission(request) and is_complete(request)

    @method_decorator(never_cache)
    @method_decorator(csrf_protect)
    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """Ask for the code of the authenticator app, after the password."""
        return second_factor_page(request, self)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        """Sign in, slowly for whoever guesses; then use the login's language."""
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        then = reverse("admin:index")
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **demo_logins(),
            REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME, then),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return SignIn.as_view(
            authentication_form=self.login_form,
            template_name=self.login_template,
            next_page=then,
            extra_context=context,
        )(request)

    def choose_language(self, request: HttpRequest) -> HttpResponse:
        """Remember the language of this login, on every machine."""
        response = set_language(request)
        language = request.POST.get("language", "")
        if language in dict(settings.LANGUAGES):
            User.objects.filter(pk=request.user.pk).update(language=language)
        return response

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Name the shop, and its time where its clock was moved."""
        shifted = bool(offset()) and request.user.is_authenticated
        context = super().each_context(request)
        return {
            **context,
            "colors": None,
            "colour_rules": colour_rules(context["colors"]),
            "shop_name": settings.SHOP_NAME,
            "shifted_time": now() if shifted else None,
            "may_move_clock": may_move_clock(request.user),
        }
