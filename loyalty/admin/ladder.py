"""Ladders in force, and the versions that change them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.models import Approval
from crm.shared.money_field import MoneyField
from crm.shared.ratio_fields import RatiosMixin
from crm.shared.staff_lists import (
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    StaffAdmin,
    labelled,
)
from loyalty.admin.ladder_effect import effect_of, typed_effect
from loyalty.admin.tier_pictures import picture_of
from loyalty.admin.tier_words import fall_words, rung_rows, sentences
from loyalty.models import Ladder, LadderVersion, Tier, VersionRung
from loyalty.queries.tier_terms import ladder_in_force, terms_of_version
from loyalty.rules.terms import IN_MONEY
from loyalty.services.versioning import (
    begin_draft,
    discard_draft,
    publish_version,
    take_back_version,
    waiting_for,
)
from loyalty.tier_words import counted_words

_ADD = "loyalty.add_ladderversion"
_PUBLISH = "loyalty.publish_ladderversion"
_MOST_VERSIONS = 20
_LONGEST_REASON = 200
_AGREE = gettext_lazy("Somebody else must agree; it waits for approval.")
#: Step of a version -> its deed.
_STEPS: dict[str, Callable[..., Any]] = {
    "publish": publish_version,
    "take_back": take_back_version,
}


@admin.register(Ladder)
class LadderAdmin(StaffAdmin):
    """A ladder as it is in force; a draft of a version changes it (T13)."""

    when_empty = gettext_lazy("A ladder says what lifts members from tier to tier.")
    list_display = ["name", "code", "metric", "window", "term"]
    fields = ["name", "code"]

    def get_urls(self):
        """Add the beginning of a draft."""
        wrap = self.admin_site.admin_view
        own = path(
            "<int:pk>/draft/", wrap(require_POST(self.draft)), name="ladder_draft"
        )
        return [own, *super().get_urls()]

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: members stand on it."""
        return False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the ladder in force, the base against it, and its versions."""
        ladder = self.get_object(request, object_id)
        if not self.has_view_permission(request, ladder):
            raise PermissionDenied
        if ladder is None:
            raise Http404
        found = ladder_in_force(ladder)
        standing = [tier for tier in found.tiers.values() if tier.removed_at is None]
        context = {
            **self.admin_site.each_context(request),
            "title": ladder.name,
            "opts": self.opts,
            "ladder": ladder,
            "sentences": list(sentences(ladder)),
            "rungs": list(rung_rows(ladder.counts, standing)),
            "picture": picture_of(found, found.terms, at=now()),
            "versions": ladder.versions.order_by("-pk")[:_MOST_VERSIONS],
            "may_draft": request.user.has_perm(_ADD),
        }
        return TemplateResponse(request, "loyalty/ladder_page.html", context)

    def draft(self, request, pk: int):
        """Begin a draft of what is in force, or of an older version."""
        if not request.user.has_perm(_ADD):
            raise PermissionDenied
        of = request.POST.get("of", "")
        try:
            version = begin_draft(
                ladder_id=pk,
                actor=request.user,
                now=now(),
                of=int(of[:18]) if of.isascii() and of.isdecimal() else None,
            )
        except (Ladder.DoesNotExist, LadderVersion.DoesNotExist):
            raise Http404 from None
        return HttpResponseRedirect(
            reverse("admin:loyalty_ladderversion_change", args=[version.pk])
        )


class RungForm(forms.ModelForm):
    """A rung; thresholds are typed as money where money is counted."""

    def __init__(self, *args, counts: str, **kwargs):
        super().__init__(*args, **kwargs)
        also = self["also_metric"].value() if "also_metric" in self.fields else ""
        for name in ("threshold_minor", "keep_minor"):
            self._type_as_money(name, counts)
        self._type_as_money("also_threshold", also or "")

    def _type_as_money(self, name: str, counts: str) -> None:
        field = self.fields.get(name)
        if field is not None and counts in IN_MONEY:
            self.fields[name] = MoneyField(
                label=field.label, help_text=field.help_text, required=field.required
            )


class RungForms(forms.BaseInlineFormSet):
    """The rungs of a version, told what it counts."""

    def get_form_kwargs(self, index):
        """Hand on what thresholds are of: as it is typed, else as it is saved."""
        counts = self.data.get("metric", self.instance.counts)
        return super().get_form_kwargs(index) | {"counts": counts}


class RungInline(RatiosMixin, TabularInline):
    """The rungs of a version."""

    model = VersionRung
    form = RungForm
    formset = RungForms
    fields = [
        *("code", "name", "name_en", "threshold_minor", "keep_minor", "also_metric"),
        *("also_threshold", "needs_both", "multiplier_bp", "color"),
    ]
    extra = 0


@admin.register(LadderVersion)
class LadderVersionAdmin(StaffAdmin):
    """Versions of ladders: drafts are edited here, tried and published on a page."""

    when_empty = gettext_lazy(
        "A version changes a ladder from a day on. Open a ladder and begin a draft."
    )
    list_display = ["public_id", "ladder", "state_label", "note", "starts_at"]
    list_select_related = ["ladder"]
    ordering = ["-id"]
    inlines = [RungInline]
    change_form_after_template = "loyalty/version_links.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    *("note", "metric", "currency", "window", "window_days"),
                    "lifts_on",
                ]
            },
        ),
        (
            gettext_lazy("How long a tier is good"),
            {
                "fields": [
                    *("term", "period", "term_months", "downgrade", "grace_days"),
                    *("protect_days", "notice_days"),
                ]
            },
        ),
        (
            gettext_lazy("Gifts"),
            {"fields": ["gifts_of_skipped", "yearly_gifts"]},
        ),
        (
            gettext_lazy("When it begins"),
            {"fields": ["starts_at", "falls", "keep_until"]},
        ),
    ]

    @display(
        description=gettext_lazy("state"),
        label={"draft": CALM, "scheduled": BUSY, "live": GOOD, "past": CALM},
    )
    def state_label(self, version: LadderVersion) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(version, "state")

    def get_urls(self):
        """Add the page of what it would do, as saved and as typed, and its steps."""
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/effect/", wrap(self.effect), name="ladder_version_effect"),
            path(
                "<int:pk>/try/",
                wrap(require_POST(self.attempt)),
                name="ladder_version_try",
            ),
            path(
                "<int:pk>/step/",
                wrap(require_POST(self.step)),
                name="ladder_version_step",
            ),
        ]
        return own + super().get_urls()

    def has_add_permission(self, request) -> bool:
        """Refuse: a draft begins on the page of its ladder."""
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        """Allow drafts only, and none that somebody is asked to agree to."""
        if obj is not None and (
            obj.state != LadderVersion.State.DRAFT or waiting_for(obj, now=now())
        ):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: drafts are thrown away on their page, the rest is history."""
        return False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show the form of a draft; what nobody may change is read on its page."""
        version = self.get_object(request, object_id)
        is_read = version is not None and self.has_view_permission(request, version)
        if (
            is_read
            and request.method == "GET"
            and not self.has_change_permission(request, version)
        ):
            return HttpResponseRedirect(_page(version.pk))
        return super().change_view(request, object_id, form_url, extra_context)

    def response_change(self, request, obj):
        """Show what the saved draft would do."""
        if "_continue" in request.POST:
            return super().response_change(request, obj)
        return HttpResponseRedirect(_page(obj.pk))

    def effect(self, request, pk: int):
        """Show who would hold what, and the steps from here."""
        version = self._find(request, pk)
        at = now()
        ladder = ladder_in_force(version.ladder)
        rungs = list(version.rungs.all())
        terms = terms_of_version(version, rungs=rungs, tiers=ladder.tiers.values())
        is_draft = version.state == LadderVersion.State.DRAFT
        may_publish = request.user.has_perm(_PUBLISH)
        waiting = waiting_for(version, now=at) if is_draft else None
        context = {
            **self.admin_site.each_context(request),
            "title": str(version),
            "opts": self.opts,
            "version": version,
            "sentences": [*sentences(version), fall_words(version)],
            "rungs": list(rung_rows(version.counts, rungs)),
            "picture": picture_of(ladder, terms, at=at),
            **effect_of(version, rungs, at=at),
            "waiting": waiting,
            "may_edit": self.has_change_permission(request, version),
            "may_discard": is_draft and not waiting and request.user.has_perm(_ADD),
            "may_publish": is_draft and not waiting and may_publish,
            "may_take_back": version.state == LadderVersion.State.SCHEDULED
            and may_publish,
        }
        return TemplateResponse(request, "loyalty/version_page.html", context)

    def attempt(self, request, pk: int):
        """Show what a draft would do as it is typed, saved or not; writes nothing.

        A part of the form's page where the script asks; without it a page.
        """
        version = self._find(request, pk)
        if not self.has_change_permission(request, version):
            raise PermissionDenied
        form = self.get_form(request, version, change=True)(
            request.POST, instance=version
        )
        rungs = RungInline(LadderVersion, self.admin_site).get_formset(
            request, version
        )(data=request.POST, instance=version)
        context = {
            **self.admin_site.each_context(request),
            "title": str(version),
            "opts": self.opts,
            "version": version,
            **typed_effect(form, rungs, at=now()),
        }
        is_part = request.headers.get("HX-Request") == "true"
        page = "loyalty/version_would.html" if is_part else "loyalty/version_try.html"
        return TemplateResponse(request, page, context)

    def step(self, request, pk: int):
        """Publish, take back or throw away."""
        version = self._find(request, pk)
        step = request.POST.get("step", "")
        discards = step == "discard"
        if not request.user.has_perm(_ADD if discards else _PUBLISH):
            raise PermissionDenied
        how = {"version_id": pk, "actor": request.user, "now": now()}
        try:
            if discards:
                discard_draft(**how)
                return HttpResponseRedirect(
                    reverse("admin:loyalty_ladder_change", args=[version.ladder_id])
                )
            if step not in _STEPS:
                raise Http404
            reason = request.POST.get("reason", "").strip()[:_LONGEST_REASON]
            made = _STEPS[step](**how, reason=reason)
            waits = isinstance(made, Approval)
            messages.success(request, _AGREE if waits else _("Done."))
        except Refusal as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(_page(pk))

    def _find(self, request, pk: int) -> LadderVersion:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = LadderVersion.objects.select_related("ladder").filter(pk=pk).first()
        if found is None:
            raise Http404
        return found


def _page(pk: int) -> str:
    return reverse("admin:ladder_version_effect", args=[pk])


@admin.register(Tier)
class TierAdmin(LedgerAdmin):
    """Every rung of every ladder, as it is in force."""

    when_empty = gettext_lazy(
        "Tiers come from the version of a ladder that is in force."
    )
    list_display = ["label", "ladder", "code", "threshold", "multiplier", "removed_at"]
    list_select_related = ["ladder"]
    search_fields = ["name", "name_en", "code"]

    fields = [
        *("name", "name_en", "ladder", "code", "threshold", "kept_from", "second"),
        *("multiplier_bp", "color"),
    ]

    @admin.display(description=gettext_lazy("threshold"), ordering="threshold_minor")
    def threshold(self, tier: Tier) -> str:
        """Return what reaches it."""
        return counted_words(tier.ladder.counts, tier.threshold_minor)

    @admin.display(description=gettext_lazy("threshold to keep it"))
    def kept_from(self, tier: Tier) -> str:
        """Return what keeps it."""
        (row,) = rung_rows(tier.ladder.counts, [tier])
        return str(row["kept"])

    @admin.display(description=gettext_lazy("second threshold"))
    def second(self, tier: Tier) -> str:
        """Return what else is asked."""
        (row,) = rung_rows(tier.ladder.counts, [tier])
        return str(row["second"])

    @admin.display(description=gettext_lazy("tier"), ordering="name")
    def label(self, tier: Tier) -> str:
        """Return the name in the language of the page."""
        return tier.label

    @admin.display(
        description=gettext_lazy("points multiplier"), ordering="multiplier_bp"
    )
    def multiplier(self, tier: Tier) -> str:
        """Return the multiplier as people say it, such as 1.5×."""
        return f"{tier.multiplier_bp / 10000:g}×"
