"""The referral program, who brought whom, and the page where staff decide."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from crm.shared.clock import now
from crm.shared.errors import Refusal
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
from loyalty.models import Referral, ReferralProgram
from loyalty.services.deciding_referrals import reject_referral, release_referral
from loyalty.services.reward_kinds import template_choices

#: Code of ``Referral.reasons`` -> what staff read.
REASONS: dict[str, Any] = {
    "self_referral": _("inviter and friend are one member"),
    "same_phone": _("the inviter's phone"),
    "same_email": _("the inviter's mail box"),
    "same_instrument": _("the inviter's card"),
    "same_device": _("the inviter's device and network"),
    "same_address": _("the inviter's address"),
    "same_phone_among_friends": _("the phone of another friend"),
    "same_email_among_friends": _("the mail box of another friend"),
    "same_instrument_among_friends": _("the card of another friend"),
    "same_device_among_friends": _("the device and network of another friend"),
    "same_address_among_friends": _("the address of another friend"),
    "velocity": _("very many friends within hours"),
    "cap_reached": _("the inviter's limit was reached"),
    "inviter_may_not_earn": _("the inviter's membership may not earn"),
    "friend_may_not_earn": _("the friend's membership may not earn"),
    "coupon_gone": _("the coupons of the program were all gone"),
}


class ReferralProgramForm(forms.ModelForm):
    """The terms: coupons are chosen from the templates that are live."""

    inviter_template = forms.ChoiceField(
        label=_("coupon for the inviter"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    friend_template = forms.ChoiceField(
        label=_("coupon for the friend"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = ReferralProgram
        exclude: ClassVar[list[str]] = ["singleton"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("inviter_template", "friend_template"):
            # Who may only look has no fields; a template that ended stays to be seen.
            if name in self.fields:
                kept = getattr(self.instance, name)
                self.fields[name].choices = dict(
                    [("", "–"), (kept, kept or "–"), *template_choices()]
                ).items()


@admin.register(ReferralProgram)
class ReferralProgramAdmin(StaffAdmin):
    """What bringing friends is worth. One row, off until somebody switches it on."""

    when_empty = _("The program is made when the shop is.")
    form = ReferralProgramForm

    list_display = [
        "conversion",
        "is_active",
        "inviter_points",
        "friend_points",
        "least_order",
        "cap_friends",
    ]
    fieldsets = [
        (None, {"fields": ["is_active", ("conversion", "least_order_minor")]}),
        (
            _("What they get"),
            {
                "fields": [
                    ("inviter_points", "friend_points"),
                    ("inviter_template", "friend_template"),
                    ("milestone_every", "milestone_points"),
                ]
            },
        ),
        (
            _("Limits"),
            {
                "fields": [
                    ("cap_friends", "cap_period"),
                    ("velocity_friends", "velocity_hours"),
                ]
            },
        ),
    ]

    least_order = money_column("least_order_minor", _("least amount of that order"))

    def has_add_permission(self, request) -> bool:
        """Refuse: a migration wrote the only one."""
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: switch it off instead."""
        return False


@admin.register(Referral)
class ReferralAdmin(LedgerAdmin):
    """Who brought whom. Who may change one decides on those that are held."""

    when_empty = _(
        "Members who joined with the code of another stand here, from the day the "
        "referral program is switched on."
    )
    list_display = [
        "public_id",
        "inviter",
        "friend",
        "state_label",
        "why",
        "inviter_given",
        "friend_given",
        "joined_at",
    ]
    list_select_related = ["inviter", "friend"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("joined_at", RangeDateTimeFilter),
    ]
    search_fields = ["=public_id", "=inviter__number", "=friend__number"]
    ordering = ["-joined_at", "-id"]

    @display(
        description=_("state"),
        label={
            "waiting": CALM,
            "held": BUSY,
            "rewarded": GOOD,
            "rejected": BAD,
            "reversed": BAD,
        },
    )
    def state_label(self, referral: Referral) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(referral, "state")

    @admin.display(description=_("reasons"))
    def why(self, referral: Referral) -> str:
        """Return what speaks against it, strongest first."""
        return " · ".join(words_of(referral))

    def has_decide_permission(self, request) -> bool:
        """Whether this login decides on what is held."""
        return request.user.has_perm("loyalty.change_referral")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show one referral as a page where it is decided on."""
        referral = self.get_object(request, object_id)
        if referral is None:
            raise Http404
        if not self.has_view_permission(request, referral):
            raise PermissionDenied
        error = ""
        if request.method == "POST":
            if not self.has_decide_permission(request):
                raise PermissionDenied
            try:
                self._decide(request, referral)
                return HttpResponseRedirect(request.path)
            except Refusal as refusal:
                error = str(refusal)
        return self._page(request, referral, error)

    def _decide(self, request, referral: Referral) -> None:
        told = {
            "referral_id": referral.pk,
            "reason": request.POST.get("reason", "")[:200],
            "actor": request.user,
            "now": now(),
        }
        what = request.POST.get("deed", "")
        if what == "release":
            release_referral(**told)
            messages.success(request, gettext("The referral was rewarded."))
        elif what == "reject":
            reject_referral(**told)
            messages.success(request, gettext("The referral was rejected."))

    def _page(self, request, referral: Referral, error: str):
        is_held = referral.state == Referral.State.HELD
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Referral %(id)s") % {"id": referral.public_id},
            "opts": self.opts,
            "original": referral,
            "referral": referral,
            "reasons": words_of(referral),
            "coupons": _coupons_of(referral),
            "may_decide": is_held and self.has_decide_permission(request),
            "may_see_member": request.user.has_perm("members.view_member"),
            "may_see_order": request.user.has_perm("orders.view_order"),
            "error": error,
            "reason": request.POST.get("reason", ""),
        }
        return TemplateResponse(request, "loyalty/referral_page.html", context)


def words_of(referral: Referral) -> list[str]:
    """Return the reasons of a referral in words."""
    return [str(REASONS.get(code, code)) for code in referral.reasons]


def _coupons_of(referral: Referral) -> list[tuple[Any, str, str]]:
    """Return for whom a coupon was promised, which, and the one that was given."""
    promised = [
        (_("Coupon for the inviter"), "inviter"),
        (_("Coupon for the friend"), "friend"),
    ]
    rows = [
        (label, getattr(referral, f"{share}_template"), share)
        for label, share in promised
    ]
    if not any(template for _label, template, _share in rows):
        return []
    names = dict(template_choices())
    return [
        (label, names.get(template, template), getattr(referral, f"{share}_coupon"))
        for label, template, share in rows
        if template
    ]
