"""Earning rules: the list, the form, and the simulator beside it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from crm.shared.clock import now
from crm.shared.errors import Refusal
from crm.shared.staff_lists import CALM, GOOD, StaffAdmin
from loyalty.admin.earning_form import EarningRuleForm
from loyalty.admin.earning_trial import TrialForm, trial_of
from loyalty.earning_vocabulary import remembered
from loyalty.earning_words import rule_sentence
from loyalty.models import EarningRule


@admin.register(EarningRule)
class EarningRuleAdmin(StaffAdmin):
    """Ways to earn points. Rules that gave something are switched off, not deleted."""

    when_empty = gettext_lazy(
        "A rule says what earns points: spending, a review, a birthday, a check-in. "
        "Without any nothing does. Add one and try it in the simulator."
    )
    form = EarningRuleForm
    actions = None
    list_display = ["label", "occasion", "sentence", "active_label", "starts_at"]
    list_select_related = ["currency"]
    list_filter = [("occasion", ChoicesDropdownFilter), "is_active"]
    search_fields = ["name", "name_en", "code"]
    ordering = ["occasion", "-priority", "code"]
    readonly_fields = ["sentence"]
    list_before_template = "loyalty/earning_links.html"
    change_form_outer_before_template = "loyalty/earning_links.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "sentence",
                    ("name", "name_en"),
                    ("code", "occasion"),
                    "starts_at",
                    "ends_at",
                    "is_active",
                ]
            },
        ),
        (
            gettext_lazy("What it gives"),
            {
                "fields": [
                    ("award", "role"),
                    "currency",
                    ("points", "per_minor"),
                    ("bonus_bp", "ladder"),
                    "priority",
                ]
            },
        ),
        (
            gettext_lazy("When it applies"),
            {
                "fields": [
                    ("tiers", "weekdays"),
                    ("birthday_month", "first_order"),
                    ("least_minor", "channels"),
                    ("categories", "brands"),
                    ("pictures", "least_number"),
                ]
            },
        ),
        (
            gettext_lazy("Limits"),
            {"fields": [("member_cap", "cap_period"), "budget"]},
        ),
    ]

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: entries name their rules; a rule is switched off instead."""
        return False

    def get_readonly_fields(self, request, obj=None):
        """Keep the code: entries name the rule by it."""
        return [*self.readonly_fields, "code"] if obj else self.readonly_fields

    @admin.display(description=gettext_lazy("earning rule"), ordering="name")
    def label(self, rule: EarningRule) -> str:
        """Return the name in the language of the page."""
        return rule.label

    @admin.display(description=gettext_lazy("in words"))
    def sentence(self, rule: EarningRule) -> str:
        """Return the rule as people say it."""
        if not rule.pk:
            return "–"
        return getattr(rule, "words", None) or rule_sentence(rule)

    def get_changelist_instance(self, request):
        """Say all rules of a page with the lists of choices read once."""
        changelist = super().get_changelist_instance(request)
        vocabulary = remembered()
        for rule in changelist.result_list:
            rule.words = rule_sentence(rule, vocabulary)
        return changelist

    @display(
        description=gettext_lazy("state"), label={"active": GOOD, "inactive": CALM}
    )
    def active_label(self, rule: EarningRule) -> tuple[str, str]:
        """Return whether it is switched on."""
        if rule.is_active:
            return "active", _("active")
        return "inactive", _("switched off")

    def get_urls(self):
        """Add the simulator."""
        view = self.admin_site.admin_view
        return [
            path("simulator/", view(self.simulate), name="earning_simulator"),
            *super().get_urls(),
        ]

    def simulate(self, request):
        """Show what an order or an event would earn, rule by rule; writes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = self._tried(request.GET.get("rule", ""))
        asked = "at" in request.GET
        form = TrialForm(request.GET if asked else None, rule=rule, at=now())
        found: dict[str, Any] = {}
        if asked and form.is_valid():
            try:
                found = trial_of(form, rule=rule)
            except Refusal as refusal:
                form.add_error("order_number", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Points simulator"),
            "opts": self.opts,
            "form": form,
            "rule": rule,
            "sentence": rule_sentence(rule) if rule else "",
            **found,
        }
        return TemplateResponse(request, "loyalty/earning_simulator.html", context)

    def _tried(self, pk: str) -> EarningRule | None:
        if not pk:
            return None
        known = pk.isascii() and pk.isdecimal()
        rule = EarningRule.objects.filter(pk=int(pk[:18])).first() if known else None
        if rule is None:
            raise Http404
        return rule
