"""Group deals: who pays what when enough buy together."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from campaigns.models import GroupDeal, GroupRung
from campaigns.rules.groups import BadLadder, check_ladder
from crm.shared.money import display_amount
from crm.shared.money_field import MoneyField
from crm.shared.staff_lists import BUSY, CALM, GOOD, StaffAdmin, labelled
from orders.models import Variant


class GroupDealForm(forms.ModelForm):
    """A deal, its SKU typed as it stands on the shelf."""

    sku = forms.CharField(
        label=gettext_lazy("SKU"), max_length=60, widget=UnfoldAdminTextInputWidget()
    )

    class Meta:
        model = GroupDeal
        fields = [
            *("name", "name_en", "state", "hours", "starts_at", "ends_at"),
            *("groups_may_finish", "one_open_group", "new_members", "stock"),
            *("leader_points", "leader_coupon", "leader_waits"),
            *("leader_shares", "leader_keeps"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["sku"] = self.instance.variant.sku
        # Who may only look has no fields.
        if "leader_points" in self.fields:
            self.fields["leader_points"].required = False

    def clean_leader_points(self) -> int:
        """Return how many; nothing typed is none."""
        return self.cleaned_data["leader_points"] or 0

    def clean_sku(self) -> str:
        """Find what it names."""
        sku = self.cleaned_data["sku"].strip()
        variant = Variant.objects.filter(sku=sku).first()
        if variant is None:
            raise ValidationError(_("There is no such SKU."))
        self.instance.variant = variant
        return sku


class GroupRungForm(forms.ModelForm):
    """A step, its price typed as people write money."""

    price = MoneyField(label=gettext_lazy("price of each"))

    class Meta:
        model = GroupRung
        fields = ["size"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["price"] = self.instance.price_minor

    def clean_price(self) -> int:
        """Take it over before the constraints of the row are asked."""
        self.instance.price_minor = self.cleaned_data["price"]
        return self.instance.price_minor


class GroupRungs(forms.BaseInlineFormSet):
    """The steps of a deal, which make sense only together."""

    def clean(self) -> None:
        """Refuse larger groups that pay as much or more."""
        super().clean()
        if any(self.errors):
            return
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data]
        steps = [
            (row["size"], row["price"])
            for row in kept
            if not row.get("DELETE") and "size" in row
        ]
        try:
            check_ladder(steps)
        except BadLadder as error:
            raise ValidationError(
                _(
                    "Name at least one step of two members or more; larger groups "
                    "must pay less."
                )
            ) from error


class GroupRungInline(TabularInline):
    """The steps of groups to come; those that are open keep theirs."""

    model = GroupRung
    form = GroupRungForm
    formset = GroupRungs
    fields = ["size", "price"]
    extra = 0
    min_num = 1
    validate_min = True


@admin.register(GroupDeal)
class GroupDealAdmin(StaffAdmin):
    """What is offered to groups, in plain words beside the numbers."""

    when_empty = gettext_lazy(
        "A group deal sells one article cheaper to members who buy together. Add one "
        "and make it live; members open groups in the app."
    )
    form = GroupDealForm
    inlines = [GroupRungInline]
    list_display = [
        "label",
        "state_label",
        "variant",
        "hours",
        "starts_at",
        "ends_at",
        "taken",
        "stock",
    ]
    list_select_related = ["variant"]
    list_filter = [("state", ChoicesDropdownFilter)]
    search_fields = ["name", "name_en"]
    ordering = ["-id"]
    readonly_fields = ["public_id", "taken", "in_words"]
    fieldsets = [
        (
            None,
            {"fields": [("name", "name_en"), "state", "sku", "in_words"]},
        ),
        (
            gettext_lazy("Time"),
            {
                "fields": ["starts_at", "ends_at", "hours", "groups_may_finish"],
                "classes": ["tab"],
            },
        ),
        (
            gettext_lazy("Limits"),
            {
                "fields": [
                    ("stock", "taken"),
                    "one_open_group",
                    "new_members",
                    "public_id",
                ],
                "classes": ["tab"],
            },
        ),
        (
            gettext_lazy("Leader"),
            {
                "fields": [
                    *("leader_points", "leader_coupon", "leader_waits"),
                    *("leader_shares", "leader_keeps"),
                ],
                "classes": ["tab"],
            },
        ),
    ]
    autocomplete_fields = ["leader_coupon"]

    def save_model(self, request, obj, form, change) -> None:
        """Write what the form shows; seats taken meanwhile are others' to count."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        written = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=written - {"id", *self.readonly_fields})

    @admin.display(description=gettext_lazy("group deal"), ordering="name")
    def label(self, deal: GroupDeal) -> str:
        """Return the name in the language of the page."""
        return deal.label

    @display(
        description=gettext_lazy("state"),
        label={"live": GOOD, "draft": BUSY, "paused": CALM, "ended": CALM},
    )
    def state_label(self, deal: GroupDeal) -> tuple[str, str]:
        """Return where it stands."""
        return labelled(deal, "state")

    @admin.display(description=gettext_lazy("in plain words"))
    def in_words(self, deal: GroupDeal) -> str:
        """Return what the deal promises, as one would tell a customer."""
        return words_of(deal) if deal.pk else "–"


def words_of(deal: GroupDeal) -> str:
    """Return the steps, the time and who may join, in sentences."""
    said = [
        _("%(size)s members pay %(price)s each.")
        % {
            "size": rung.size,
            "price": display_amount(rung.price_minor, settings.SHOP_CURRENCY),
        }
        for rung in deal.rungs.all()
    ]
    if len(said) > 1:
        said.append(
            _("All pay the lowest price reached; what was paid above goes back.")
        )
    said.append(
        ngettext(
            "A group has %(hours)s hour to come together.",
            "A group has %(hours)s hours to come together.",
            deal.hours,
        )
        % {"hours": deal.hours}
    )
    if deal.ends_at is not None and not deal.groups_may_finish:
        said.append(_("It must be complete when the deal ends."))
    if deal.new_members == GroupDeal.NewMembers.JOINERS:
        said.append(_("Whoever joins must be new here."))
    if deal.new_members == GroupDeal.NewMembers.EVERYBODY:
        said.append(_("Every member of a group must be new here."))
    said += _reward_words(deal)
    return " ".join(said)


def _reward_words(deal: GroupDeal) -> list[str]:
    """Return what leaders get (G16), when, and what ends it."""
    said = []
    if deal.leader_points:
        text = _("Who leads a group to success gets %(points)s points.")
        said.append(text % {"points": f"{deal.leader_points:,d}"})
    if deal.leader_coupon is not None:
        text = _("Who leads a group to success gets the coupon “%(name)s”.")
        said.append(text % {"name": deal.leader_coupon.label})
    if not said:
        return []
    if deal.leader_waits:
        text = _("It comes when nobody of the group can send goods back any more.")
    else:
        text = _("It comes at once.")
    said.append(text)
    if deal.leader_shares:
        text = _(
            "When fewer seats stay than the first step wants, there are so many points "
            "less and no coupon."
        )
    else:
        text = _("It is gone when fewer seats stay than the first step wants.")
    said.append(text)
    if not deal.leader_keeps:
        said.append(_("It is taken back when the leader's own order is given back."))
    return said
