"""Coupon templates and the coupons issued from them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
)
from unfold.decorators import display

from campaigns.models import Coupon, CouponTemplate
from crm.shared.staff_lists import (
    BAD,
    BUSY,
    CALM,
    GOOD,
    LedgerAdmin,
    StaffAdmin,
    money_column,
)


@admin.register(CouponTemplate)
class CouponTemplateAdmin(StaffAdmin):
    """Terms of coupons. Those already issued keep the terms they were given."""

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
    readonly_fields = ["public_id", "issued"]
    fieldsets = [
        (None, {"fields": [("name", "name_en"), "code", "state"]}),
        (
            _("Reduction"),
            {
                "fields": [
                    "kind",
                    "amount_minor",
                    ("percent_bp", "cap_minor"),
                    "min_spend_minor",
                    "on_return",
                ],
                "classes": ["tab"],
            },
        ),
        (
            _("Limits"),
            {
                "fields": [
                    "starts_at",
                    "ends_at",
                    "valid_days",
                    ("stock", "issued"),
                    "per_member_limit",
                    "is_claimable",
                    "for_tier",
                    "for_new_members",
                    "public_id",
                ],
                "classes": ["tab"],
            },
        ),
    ]
    conditional_fields = {
        "amount_minor": "kind == 'amount'",
        "percent_bp": "kind == 'percent'",
        "cap_minor": "kind == 'percent'",
    }

    min_spend = money_column("min_spend_minor", _("from a spend of"))
    _amount = money_column("amount_minor", _("amount off"))

    @admin.display(description=_("coupon template"), ordering="name")
    def label(self, template: CouponTemplate) -> str:
        """Return the name in the language of the page."""
        return template.label

    @display(description=_("state"), label={"live": GOOD, "draft": BUSY, "ended": CALM})
    def state_label(self, template: CouponTemplate) -> tuple[str, str]:
        """Return where it stands."""
        return template.state, template.get_state_display()

    @admin.display(description=_("takes off"))
    def worth(self, template: CouponTemplate) -> str:
        """Return the reduction as people say it."""
        if template.kind == CouponTemplate.Kind.PERCENT:
            return f"{template.percent_bp / 100:g} %"
        return self._amount(template)


@admin.register(Coupon)
class CouponAdmin(LedgerAdmin):
    """Who holds which coupon."""

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
    ordering = ["-issued_at", "-id"]

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
        return coupon.state, coupon.get_state_display()
