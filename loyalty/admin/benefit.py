"""Benefits and who has them; every use; benefits that were taken away."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from crm.shared.clock import now
from crm.shared.dates import bounds_of_day
from crm.shared.staff_filters import RelatedFilter
from crm.shared.staff_lists import (
    CALM,
    GOOD,
    LedgerAdmin,
    StaffAdmin,
    labelled,
    money_column,
)
from loyalty.admin.simple_conditions import ConditionForm, condition_words
from loyalty.models import Benefit, BenefitGrant, BenefitSanction, BenefitUse
from loyalty.services.reward_kinds import template_choices
from loyalty.services.sanctioning import lift_sanction, sanction_benefit
from loyalty.services.using_benefits import return_use, use_benefit
from members.models import Member
from orders.queries.audiences import known_audiences


class BenefitForm(forms.ModelForm):
    """A benefit; the coupon of gifts is chosen from those that are live."""

    template = forms.ChoiceField(
        label=gettext_lazy("coupon template"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("What gifts and drips give, beside points."),
    )

    class Meta:
        model = Benefit
        fields = [
            *("code", "kind", "name", "name_en", "text", "text_en", "period"),
            *("template", "is_active"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Who may only look has no fields.
        if "template" in self.fields:
            mine = self.instance.template
            kept = [(mine, mine)] if mine else []
            choices = [("", "–"), *kept, *template_choices()]
            self.fields["template"].choices = dict(choices).items()


class BenefitGrantForm(ConditionForm):
    """Who has it, how often and how much."""

    audience = forms.ChoiceField(
        label=gettext_lazy("for whom"), required=False, widget=UnfoldAdminSelectWidget
    )
    number = forms.IntegerField(
        label=gettext_lazy("how much"),
        required=False,
        min_value=0,
        max_value=1_000_000,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Points of a gift, hours, months: what the kind says."),
    )

    class Meta:
        model = BenefitGrant
        fields = ["audience", "quota", "number"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "audience" in self.fields:
            self.fields["audience"].choices = [("", _("everybody")), *known_audiences()]

    def clean_number(self) -> int:
        """Return how much; nothing typed is none."""
        return self.cleaned_data["number"] or 0


class BenefitGrantInline(TabularInline):
    """Who has it; of several that fit, the better number of each counts (T18)."""

    model = BenefitGrant
    form = BenefitGrantForm
    fields = ["audience", "only_orders", "only_spend", "only_regions"]
    fields += ["quota", "number"]
    extra = 0

    def get_fields(self, request, obj=None):
        """Show who may only look what stands in the table."""
        if self.has_change_permission(request, obj):
            return self.fields
        return ["audience", "quota", "number"]


@admin.register(Benefit)
class BenefitAdmin(StaffAdmin):
    """What tiers, plans and rules bring."""

    when_empty = gettext_lazy(
        "Benefits are what tiers and plans bring beside points: free delivery, gifts, "
        "early access. Add one and say who has it."
    )
    form = BenefitForm
    inlines = [BenefitGrantInline]
    list_display = ["label", "code", "kind", "period", "state_label", "who"]
    list_filter = [("kind", ChoicesDropdownFilter), "is_active"]
    search_fields = ["name", "name_en", "code"]
    ordering = ["kind", "code"]
    readonly_fields = ["public_id", "in_words"]
    fields = [
        *(("name", "name_en"), "code", "kind", "in_words", ("text", "text_en")),
        *("period", "template", "is_active", "public_id"),
    ]

    def get_queryset(self, request):
        """Fetch the grants along: rows tell who has it."""
        return super().get_queryset(request).prefetch_related("grants")

    def get_changelist_instance(self, request):
        """Name for whom the rows are; names are read once a page."""
        changelist = super().get_changelist_instance(request)
        names = dict(known_audiences())
        for benefit in changelist.result_list:
            found = [grant.audience for grant in benefit.grants.all()]
            benefit.audiences = [names.get(e, e) or _("everybody") for e in found]
        return changelist

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: what is over is no longer active, its uses stay."""
        return False

    @admin.display(description=gettext_lazy("benefit"), ordering="name")
    def label(self, benefit: Benefit) -> str:
        """Return the name in the language of the page."""
        return benefit.label

    @display(
        description=gettext_lazy("state"), label={"active": GOOD, "inactive": CALM}
    )
    def state_label(self, benefit: Benefit) -> tuple[str, str]:
        """Return whether anybody has it."""
        if benefit.is_active:
            return "active", _("active")
        return "inactive", _("inactive")

    @admin.display(description=gettext_lazy("for whom"))
    def who(self, benefit: Benefit) -> str:
        """Return whom its grants name."""
        return ", ".join(benefit.audiences) or "–"

    @admin.display(description=gettext_lazy("in plain words"))
    def in_words(self, benefit: Benefit) -> str:
        """Return who has it and how often, as one would tell a customer."""
        return words_of_benefit(benefit) if benefit.pk else "–"


def words_of_benefit(benefit: Benefit) -> str:
    """Return the grants of a benefit in sentences."""
    names = dict(known_audiences())
    period = benefit.get_period_display()
    said = []
    for grant in benefit.grants.all():
        whom = names.get(grant.audience, grant.audience) or _("everybody")
        only = condition_words(grant.condition)
        if only:
            whom = _("%(whom)s, if %(only)s") % {"whom": whom, "only": only}
        if grant.quota is None:
            text = _("%(whom)s: as often as wanted.")
        else:
            text = ngettext(
                "%(whom)s: once per %(period)s.",
                "%(whom)s: %(quota)s times per %(period)s.",
                grant.quota,
            )
        said.append(text % {"whom": whom, "quota": grant.quota, "period": period})
    return " ".join(said) or _("Nobody has it yet.")


class MemberDeedForm(forms.ModelForm):
    """A deed for one member, found by the number on the card."""

    number = forms.CharField(
        label=gettext_lazy("member number"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(),
    )
    reason = forms.CharField(
        label=gettext_lazy("reason"),
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("Kept in the audit trail; do not name people."),
    )

    def clean_number(self) -> str:
        """Find whose it is; after a merge nobody's any more."""
        number = self.cleaned_data["number"].strip().upper()
        member = Member.objects.filter(number=number, merged_into=None).first()
        if member is None:
            raise ValidationError(_("There is no such member."))
        self.instance.member = member
        return number


class BenefitUseForm(MemberDeedForm):
    """Staff write down a use; gifts are given by the program."""

    class Meta:
        model = BenefitUse
        fields = ["benefit", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "benefit" in self.fields:
            used = Benefit.objects.filter(is_active=True)
            used = used.exclude(kind__in=Benefit.GIFTS)
            self.fields["benefit"].queryset = used.order_by("code")


class SanctionForm(MemberDeedForm):
    """Staff take a benefit away."""

    until = forms.DateField(
        label=gettext_lazy("until the end of"),
        required=False,
        # Calendars end: the day after the last one cannot be written.
        validators=[MaxValueValidator(date(2999, 12, 31))],
        widget=UnfoldAdminSingleDateWidget(),
        help_text=gettext_lazy("Empty is for good."),
    )

    class Meta:
        model = BenefitSanction
        fields = ["benefit", "reason"]

    def ends_at(self) -> datetime | None:
        """Return the end of that day in the shop's zone (X3)."""
        day = self.cleaned_data.get("until")
        return day and bounds_of_day(day, ZoneInfo(settings.SHOP_TIME_ZONE))[1]


class DeedAdmin(LedgerAdmin):
    """A ledger to which staff add by a service; what it refuses is said."""

    def has_add_permission(self, request) -> bool:
        """Ask for the right to add, as other tables do."""
        return request.user.has_perm(f"loyalty.add_{self.opts.model_name}")

    def get_fields(self, request, obj=None):
        """Show the form of a deed, or the row it wrote."""
        return self.shown if obj else self.asked


@admin.register(BenefitUse)
class BenefitUseAdmin(DeedAdmin):
    """Every use of a benefit, newest first."""

    when_empty = gettext_lazy(
        "Every use of a benefit stands here. Gifts come by themselves; what is used "
        "at the counter you write down."
    )
    form = BenefitUseForm
    asked = ["benefit", "number", "reason"]
    shown = [
        *("public_id", "benefit", "member", "state", "period_start", "points"),
        *("saved_minor", "source", "actor", "reason", "used_at", "returned_at"),
    ]
    list_display = [
        *("used_at", "benefit", "member", "state_label", "points", "saved", "source"),
    ]
    list_select_related = ["benefit", "member"]
    list_filter = [
        ("benefit", RelatedFilter),
        ("state", ChoicesDropdownFilter),
    ]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["-used_at", "-id"]
    actions = ["give_back"]

    saved = money_column("saved_minor", gettext_lazy("saved"), ordering=False)

    def save_model(self, request, obj, form, change) -> None:
        """Use it, within its quota."""
        use = use_benefit(
            benefit=obj.benefit.code,
            member_id=obj.member.pk,
            source=f"staff:{obj.public_id}",
            actor=request.user,
            reason=obj.reason,
            now=now(),
        )
        obj.pk = use.pk

    def has_work_permission(self, request) -> bool:
        """Whether this login may give uses back."""
        return request.user.has_perm("loyalty.change_benefituse")

    @admin.action(description=gettext_lazy("Give the use back"), permissions=["work"])
    def give_back(self, request, queryset):
        """Give the ticked uses back, one service call each; gifts stay given."""
        used = queryset.exclude(benefit__kind__in=Benefit.GIFTS)
        uses = list(used.values_list("public_id", flat=True))
        moment = now()
        count = sum(
            return_use(benefit_use=each, actor=request.user, now=moment)
            for each in uses
        )
        told = ngettext(
            "%(count)s use was given back.", "%(count)s uses were given back.", count
        )
        messages.success(request, told % {"count": count})

    @display(description=gettext_lazy("state"), label={"used": GOOD, "returned": CALM})
    def state_label(self, use: BenefitUse) -> tuple[str, str]:
        """Return whether it counts."""
        return labelled(use, "state")


@admin.register(BenefitSanction)
class BenefitSanctionAdmin(DeedAdmin):
    """Benefits that were taken away from members, newest first."""

    when_empty = gettext_lazy(
        "A sanction takes one benefit away from one member for a time, with a reason. "
        "There is none."
    )
    form = SanctionForm
    asked = ["benefit", "number", "until", "reason"]
    shown = ["public_id", "benefit", "member", "reason", "actor"]
    shown += ["starts_at", "ends_at"]
    list_display = ["starts_at", "benefit", "member", "ends_at", "reason", "who_did_it"]
    list_select_related = ["benefit", "member"]
    list_filter = [("benefit", RelatedFilter)]
    search_fields = ["=public_id", "=member__number"]
    ordering = ["-starts_at", "-id"]
    actions = ["lift"]

    def save_model(self, request, obj, form, change) -> None:
        """Take it away."""
        sanction = sanction_benefit(
            benefit_id=obj.benefit.pk,
            member_id=obj.member.pk,
            reason=obj.reason,
            until=form.ends_at(),
            actor=request.user,
            now=now(),
        )
        obj.pk = sanction.pk

    def has_work_permission(self, request) -> bool:
        """Whether this login may lift sanctions."""
        return request.user.has_perm("loyalty.change_benefitsanction")

    @admin.action(description=gettext_lazy("End the sanction"), permissions=["work"])
    def lift(self, request, queryset):
        """End the ticked sanctions now, one service call each."""
        moment = now()
        count = sum(
            lift_sanction(sanction_id=pk, actor=request.user, now=moment)
            for pk in list(queryset.values_list("pk", flat=True))
        )
        told = ngettext(
            "%(count)s sanction was lifted.", "%(count)s sanctions were lifted.", count
        )
        messages.success(request, told % {"count": count})
