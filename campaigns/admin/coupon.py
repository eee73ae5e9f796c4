"""Coupon templates and the coupons issued from them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.admin.coupon_codes import CodesPage, RevokePage
from campaigns.models import Coupon, CouponTemplate
from campaigns.rules.coupons import Terms
from campaigns.sentences import template_sentence, terms_sentence
from campaigns.services.promising import (
    DraftNoMore,
    lock_template,
    wants_two,
    write_template,
)
from crm.shared.clock import now
from crm.shared.models import Approval
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    StaffAdmin,
    labelled,
    money_column,
)


class TemplateForm(forms.ModelForm):
    """A template of coupons; what may cost much says why (1.8)."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Why, where somebody else must agree."),
    )

    def _post_clean(self) -> None:
        """Refuse what a draft cannot become again, and what waits without a reason."""
        super()._post_clean()
        if self.errors:
            return
        before = lock_template(self.instance.pk) if self.instance.pk else None
        draft = CouponTemplate.State.DRAFT
        if before and before.state != draft and self.instance.state == draft:
            self.add_error("state", DraftNoMore.message)
        elif not self.cleaned_data.get("reason", "").strip() and wants_two(
            self.instance, before=before
        ):
            self.add_error("reason", gettext("Say why; somebody else must agree."))


@admin.register(CouponTemplate)
class CouponTemplateAdmin(StaffAdmin):
    """Terms of coupons. Those already issued keep the terms they were given."""

    when_empty = _(
        "What a coupon takes off, and who may have it. Coupons are issued from it."
    )
    form = TemplateForm
    list_display = [
        "label",
        "code",
        "state_label",
        "worth",
        "min_spend",
        "issued",
        "stock",
        "is_claimable",
    ]
    list_filter = [("state", ChoicesDropdownFilter), "is_claimable"]
    search_fields = ["name", "name_en", "code"]
    ordering = ["-id"]
    readonly_fields = ["public_id", "issued", "version", "in_words"]
    autocomplete_fields = ["budget"]
    change_form_outer_before_template = "campaigns/template_links.html"
    fieldsets = [
        (None, {"fields": ["in_words", ("name", "name_en"), "code", "state"]}),
        (
            _("Reduction"),
            {
                "fields": [
                    "kind",
                    "amount_minor",
                    ("percent_bp", "cap_minor"),
                    "min_spend_minor",
                    "skips_discounted",
                    "budget",
                    ("returns", "grace_days"),
                    "on_return",
                ],
                "classes": ["tab"],
            },
        ),
        (
            _("Giving out"),
            {
                "fields": [
                    "starts_at",
                    "ends_at",
                    ("stock", "issued"),
                    "per_member_limit",
                    ("is_claimable", "points_price"),
                    "for_tier",
                    "for_new_members",
                    "is_transferable",
                    ("version", "public_id"),
                ],
                "classes": ["tab"],
            },
        ),
        (
            _("Validity and limits"),
            {
                "fields": [
                    "valid_days",
                    ("valid_from", "valid_until"),
                    "ends_with_campaign",
                    "for_first_order",
                    ("limit_total", "limit_member"),
                    "period",
                    ("limit_period", "limit_member_period"),
                ],
                "classes": ["tab"],
            },
        ),
    ]
    conditional_fields = {
        "amount_minor": "kind == 'amount'",
        "percent_bp": "kind == 'percent'",
        "cap_minor": "kind == 'percent'",
        "limit_period": "period != ''",
        "limit_member_period": "period != ''",
    }

    min_spend = money_column("min_spend_minor", _("from a spend of"))
    _amount = money_column("amount_minor", _("amount off"))

    def get_urls(self):
        """Add the codes of a template, and taking its coupons back."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/codes/",
                view(CodesPage.as_view(model_admin=self)),
                name="coupon_codes",
            ),
            path(
                "<int:pk>/revoke/",
                view(RevokePage.as_view(model_admin=self, of_batch=False)),
                name="coupon_template_revoke",
            ),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request, obj=None):
        """Ask whoever may change it for a reason besides."""
        (title, first), *rest = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            first = {**first, "fields": [*first["fields"], "reason"]}
        return [(title, first), *rest]

    def save_model(self, request, obj, form, change):
        """Save it by its service, which may ask somebody else to agree."""
        changed = [name for name in form.changed_data if name != "reason"]
        request.asked = write_template(
            template=obj,
            changed=changed,
            reason=form.cleaned_data.get("reason", ""),
            actor=request.user,
            now=now(),
        )

    def construct_change_message(self, request, form, formsets, add=False):
        """Name what was written: not the reason, nor what waits."""
        message = super().construct_change_message(request, form, formsets, add)
        waits = {"reason", *_waiting_fields(request.asked)}
        request.changed_fields = [n for n in request.changed_fields if n not in waits]
        return message

    def response_add(self, request, obj, post_url_continue=None):
        """Say so where it waits for somebody else."""
        self._say_that_it_waits(request)
        return super().response_add(request, obj, post_url_continue)

    def response_change(self, request, obj):
        """Say so where it waits for somebody else."""
        self._say_that_it_waits(request)
        return super().response_change(request, obj)

    def _say_that_it_waits(self, request) -> None:
        if request.asked is not None:
            text = gettext("Somebody else must agree; it waits for approval.")
            messages.warning(request, text)

    @admin.display(description=_("in plain words"))
    def in_words(self, template: CouponTemplate) -> str:
        """Return what it promises, as saved."""
        return template_sentence(template) if template.pk else "–"

    @admin.display(description=_("coupon template"), ordering="name")
    def label(self, template: CouponTemplate) -> str:
        """Return the name in the language of the page."""
        return template.label

    @display(description=_("state"), label={"live": GOOD, "draft": BUSY, "ended": CALM})
    def state_label(self, template: CouponTemplate) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(template, "state")

    @admin.display(description=_("takes off"))
    def worth(self, template: CouponTemplate) -> str:
        """Return the reduction as people say it."""
        if template.kind == CouponTemplate.Kind.PERCENT:
            return f"{template.percent_bp / 100:g} %"
        return self._amount(template)


def _waiting_fields(approval: Approval | None) -> set[str]:
    changes: dict[str, Any] = approval.params["changes"] if approval else {}
    return {name.removesuffix("_id") for name in changes}


@admin.register(Coupon)
class CouponAdmin(LedgerAdmin):
    """Who holds which coupon."""

    when_empty = _(
        "Coupons that members hold. Issue them from a template, a segment or a "
        "member's page."
    )
    list_display = [
        "code",
        "template",
        "member",
        "state_label",
        "issued_at",
        "expires_at",
        "used_at",
        "order",
    ]
    list_select_related = ["template", "member", "order"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("template", AutocompleteSelectFilter),
    ]
    search_fields = ["=code", "=member__number"]
    exclude = ["tallies", "terms"]
    readonly_fields = ["in_words"]
    ordering = ["-issued_at", "-id"]

    def get_fields(self, request, obj=None) -> list[str]:
        """Return what it is first, and who has it."""
        first = ["template", "in_words", "member"]
        rest = super().get_fields(request, obj)
        return [*first, *(name for name in rest if name not in first)]

    @admin.display(description=_("in plain words"))
    def in_words(self, coupon: Coupon) -> str:
        """Return what it promises, as it was when it was issued."""
        return terms_sentence(Terms(**coupon.terms))

    @display(
        description=_("state"),
        label={
            "available": GOOD,
            "held": BUSY,
            "used": BUSY,
            "expired": CALM,
            "revoked": BAD,
        },
    )
    def state_label(self, coupon: Coupon) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(coupon, "state")
