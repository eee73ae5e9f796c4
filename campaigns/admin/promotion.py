"""Promotions: the list, the gallery of kinds, and the form of a draft."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.admin.promotion_form import PromotionForm
from campaigns.admin.promotion_page import comparison, page_of, take_step
from campaigns.admin.promotion_trial import CARTS, buyers, trial_of
from campaigns.models import Promotion
from campaigns.promotion_labels import GALLERY
from campaigns.services.drafting import digest_of, write_draft
from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import BAD, BUSY, CALM, GOOD, StaffAdmin

#: Phase -> what it is called; see ``campaigns.rules.promotion_life``.
PHASE_NAMES = {
    "draft": gettext_lazy("draft"),
    "waiting": gettext_lazy("waiting for approval"),
    "scheduled": gettext_lazy("scheduled"),
    "live": gettext_lazy("live"),
    "paused": gettext_lazy("paused"),
    "ended": gettext_lazy("ended"),
}


@admin.register(Promotion)
class PromotionAdmin(StaffAdmin):
    """Promotions: drafts have a form, all of them a page; services write them."""

    when_empty = gettext_lazy(
        "A promotion lowers prices by itself, without a code. Add one: choose a kind, "
        "fill in its form, and try it on a cart before anybody sees it."
    )
    actions = None
    list_display = [
        "label",
        "kind",
        "state_label",
        "starts_at",
        "ends_at",
        "used",
        "limit_total",
        "priority",
    ]
    list_filter = [("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter)]
    search_fields = ["name", "name_en"]
    ordering = ["-id"]

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: drafts are thrown away on their page, the rest is history."""
        return False

    @admin.display(description=gettext_lazy("promotion"), ordering="name")
    def label(self, promotion: Promotion) -> str:
        """Return the name in the language of the page."""
        if promotion.changes_id is not None:
            return _("%(name)s (change)") % {"name": promotion.label}
        return promotion.label

    @display(
        description=gettext_lazy("state"),
        label={
            "live": GOOD,
            "scheduled": BUSY,
            "draft": BUSY,
            "waiting": BUSY,
            "paused": CALM,
            "ended": BAD,
        },
    )
    def state_label(self, promotion: Promotion) -> tuple[str, Any]:
        """Return where it stands now."""
        phase = promotion.phase(now())
        return phase, PHASE_NAMES[phase]

    def get_urls(self):
        """Add the form of a draft, its trial, the steps, and the comparison."""
        view = self.admin_site.admin_view
        return [
            path("try/", view(require_POST(self.try_out)), name="promotion_try"),
            path("<int:pk>/edit/", view(self.edit), name="promotion_edit"),
            path(
                "<int:pk>/step/",
                view(require_POST(self.step)),
                name="promotion_step",
            ),
            path(
                "<int:pk>/compare/<int:older>/<int:newer>/",
                view(self.compare),
                name="promotion_compare",
            ),
            *super().get_urls(),
        ]

    # --- Making one ------------------------------------------------------------

    def add_view(self, request, form_url="", extra_context=None):
        """Show the gallery; with a kind chosen, its form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        if kind in GALLERY:
            return self._form(request, kind, None)
        kinds = [
            (kind, Promotion.Kind(kind).label, picture, words)
            for kind, (picture, words) in GALLERY.items()
        ]
        context = self._context(request, _("Which kind of promotion?"), kinds=kinds)
        return TemplateResponse(request, "campaigns/promotion_gallery.html", context)

    def edit(self, request, pk: int):
        """Show the form of a draft, or save it."""
        found = self._find(request, pk)
        if not self.has_change_permission(request, found):
            raise PermissionDenied
        if not found.is_editable:
            return HttpResponseRedirect(_page(found))
        return self._form(request, found.kind, found)

    def _form(self, request, kind: str, promotion: Promotion | None):
        usual = {} if promotion else {"starts_at": now().replace(second=0)}
        form = PromotionForm(
            request.POST or None, kind=kind, promotion=promotion, initial=usual
        )
        if request.method == "POST" and form.is_valid():
            try:
                saved = write_draft(
                    promotion_id=promotion and promotion.pk,
                    content=form.content,
                    seen=request.POST.get("seen", ""),
                    actor=request.user,
                    now=now(),
                )
            except Refusal as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The draft is saved."))
                return HttpResponseRedirect(_page(saved))
        title = promotion.label if promotion else _("New promotion")
        context = self._context(
            request,
            title,
            form=form,
            kind=kind,
            kind_label=Promotion.Kind(kind).label,
            promotion=promotion,
            seen=request.POST.get("seen") or (promotion and digest_of(promotion)),
            carts=CARTS,
            buyers=buyers(),
        )
        return TemplateResponse(request, "campaigns/promotion_form.html", context)

    def try_out(self, request):
        """Price a cart with the form as it stands; nothing is saved."""
        if not (
            self.has_add_permission(request) or self.has_change_permission(request)
        ):
            raise PermissionDenied
        kind = request.POST.get("kind", "")
        if kind not in GALLERY:
            raise Http404
        saved = None
        pk = request.POST.get("promotion", "")
        if pk.isascii() and pk.isdecimal():
            saved = self._find(request, int(pk[:18]))
        form = PromotionForm(request.POST, kind=kind, promotion=saved)
        context = trial_of(form, request.POST, saved=saved, now=now())
        return TemplateResponse(request, "campaigns/promotion_trial.html", context)

    # --- Its life ----------------------------------------------------------------

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one promotion as a page; drafts have a form besides."""
        known = object_id.isascii() and object_id.isdecimal()
        if not known:
            raise Http404
        return self._show(request, self._find(request, int(object_id[:18])))

    def step(self, request, pk: int):
        """Take one step of its life, for a reason."""
        found = self._find(request, pk)
        try:
            shown, text = take_step(request, found, now=now())
        except Refusal as refusal:
            return self._show(request, found, error=str(refusal))
        messages.success(request, text)
        if shown is None:
            return HttpResponseRedirect(reverse("admin:campaigns_promotion_changelist"))
        return HttpResponseRedirect(_page(shown))

    def compare(self, request, pk: int, older: int, newer: int):
        """Show what a revision changed, in words; 0 is what a change would."""
        found = self._find(request, pk)
        told = comparison(found, older, newer)
        if told is None:
            raise Http404
        context = self._context(request, found.label, promotion=found, **told)
        return TemplateResponse(request, "campaigns/promotion_compare.html", context)

    def _show(self, request, found: Promotion, error: str = ""):
        told = page_of(request.user, found, now=now())
        phase = PHASE_NAMES[found.phase(now())]
        context = self._context(
            request, found.label, promotion=found, phase=phase, error=error, **told
        )
        return TemplateResponse(request, "campaigns/promotion_page.html", context)

    def _find(self, request, pk: int) -> Promotion:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Promotion.objects.select_related(
            "budget", "changes", "approval__decider"
        )
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _context(self, request, title: str, **more: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            **more,
        }


def _page(promotion: Promotion) -> str:
    return reverse("admin:campaigns_promotion_change", args=[promotion.pk])
