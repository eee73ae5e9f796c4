"""The rewards catalogue: what there is, and what it costs whom."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from crm.shared.money import display_amount
from crm.shared.money_field import MoneyField
from crm.shared.picture_files import MOST_BYTES
from crm.shared.pictures import BadPicture
from crm.shared.public_ids import new_public_id
from crm.shared.staff_lists import CALM, GOOD, StaffAdmin, money_column
from loyalty.admin.simple_conditions import (
    QUESTIONS,
    ConditionForm,
    condition_words,
)
from loyalty.models import Reward, RewardPrice, RewardRedemption
from loyalty.queries.rewards import donations_by_month
from loyalty.services.admitting import moment_words
from loyalty.services.reward_kinds import (
    kind_choices,
    reward_kind,
    template_choices,
)
from orders.models import Variant
from orders.queries.audiences import known_audiences
from orders.services.picturing import kept_picture

_NOTHING = [("", "–")]


class RewardForm(ConditionForm):
    """A reward: SKU and amount typed as people write them, the rest chosen."""

    kind = forms.ChoiceField(label=gettext_lazy("kind"), widget=UnfoldAdminSelectWidget)
    sku = forms.CharField(
        label=gettext_lazy("SKU"),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("For goods: they leave the shelf when redeemed."),
    )
    amount = MoneyField(
        label=gettext_lazy("amount"),
        required=False,
        help_text=gettext_lazy("For stored value and donations."),
    )
    price = MoneyField(
        label=gettext_lazy("and in money"),
        required=False,
        help_text=gettext_lazy("For goods: paid by an order, besides the points."),
    )
    template = forms.ChoiceField(
        label=gettext_lazy("coupon template"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("For coupons: one that is live."),
    )
    upload = forms.FileField(
        label=gettext_lazy("picture"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(
            attrs={"accept": "image/png,image/jpeg,image/webp"}
        ),
        help_text=gettext_lazy("Use a PNG, JPEG or WebP picture of at most 2 MB."),
    )

    class Meta:
        model = Reward
        fields = [
            *("name", "name_en", "text", "text_en", "points", "benefit"),
            *("stock", "member_limit", "starts_at", "ends_at", "refundable_days"),
            *("due_days", "is_active", "seat_at", "seat_until", "place", "place_en"),
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        reward = self.instance
        # Who may only look has no fields.
        if "kind" not in self.fields:
            return
        self.fields["kind"].choices = kind_choices()
        # A template that ended since stays to be seen.
        kept = [(reward.template, reward.template)] if reward.template else []
        self.fields["template"].choices = dict(
            [*_NOTHING, *kept, *template_choices()]
        ).items()
        if reward.pk:
            self.initial |= {
                "kind": reward.kind,
                "sku": reward.variant.sku if reward.variant else "",
                "amount": reward.amount_minor,
                "price": reward.price_minor or None,
                "template": reward.template,
            }
            self.fields["kind"].disabled = True

    def clean_sku(self) -> str:
        """Find what it names."""
        sku = self.cleaned_data["sku"].strip()
        self.instance.variant = Variant.objects.filter(sku=sku).first()
        if sku and self.instance.variant is None:
            raise ValidationError(_("There is no such SKU."))
        return sku

    def clean_upload(self):
        """Keep a picture as a bare WebP, with an address of its own."""
        upload = self.cleaned_data.get("upload")
        if upload is None:
            return upload
        if upload.size > MOST_BYTES:
            raise ValidationError(self.fields["upload"].help_text)
        try:
            self.instance.picture = kept_picture(upload.read())
        except BadPicture as error:
            raise ValidationError(str(error)) from error
        self.instance.picture_id = new_public_id("img")
        return upload

    def clean(self):
        """Ask for what the kind needs, and only that."""
        said = super().clean()
        kind = said.get("kind")
        if not kind:
            return said
        self.instance.kind = kind
        if kind != "seat":
            said |= dict.fromkeys(["seat_at", "seat_until"])
            said |= {"place": "", "place_en": ""}
        self.instance.amount_minor = said.get("amount")
        self.instance.template = said.get("template") or ""
        self.instance.price_minor = said.get("price") or 0
        problem = price_problem(
            self.instance, said.get("price") or 0, said.get("points")
        )
        if problem and "price" not in self.errors:
            self.add_error("price", problem)
        needs = reward_kind(kind).needs
        field = {"variant": "sku", "amount_minor": "amount"}.get(needs, needs)
        if field and not said.get(field) and field not in self.errors:
            self.add_error(field, _("This kind of reward needs it."))
        return said


def price_problem(reward: Reward, price_minor: int, points: int | None) -> str:
    """Return why a reward cannot cost this money; empty where it can."""
    if not price_minor:
        return ""
    if reward.kind != "goods":
        return _("Only goods can cost money, too: they are ordered.")
    if not points:
        return _("Without points it would be a sale, and no reward.")
    if reward.variant and reward.variant.price_minor <= price_minor:
        return _("It must be less than the SKU costs without points.")
    return ""


class RewardPriceForm(ConditionForm):
    """A row of the price table."""

    audience = forms.ChoiceField(
        label=gettext_lazy("for whom"), required=False, widget=UnfoldAdminSelectWidget
    )
    price = MoneyField(label=gettext_lazy("and in money"), required=False)

    class Meta:
        model = RewardPrice
        fields = ["position", "audience", "points"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "audience" in self.fields:
            self.fields["audience"].choices = [("", _("everybody")), *known_audiences()]
            self.initial["price"] = self.instance.price_minor or None

    def clean(self):
        """Take the money over."""
        said = super().clean()
        self.instance.price_minor = said.get("price") or 0
        return said


class RewardPrices(forms.BaseInlineFormSet):
    """The rows of a price table: whether they may cost money depends on the reward."""

    def clean(self) -> None:
        """Refuse money where the reward can cost none."""
        super().clean()
        for row in self.forms:
            price_minor = row.instance.price_minor
            problem = price_problem(self.instance, price_minor, row.instance.points)
            if problem and "price" not in row.errors:
                row.add_error("price", problem)


class RewardPriceInline(TabularInline):
    """The price table: rows are tested in this order, the first that fits wins."""

    model = RewardPrice
    form = RewardPriceForm
    formset = RewardPrices
    fields = ["position", "audience", "only_orders", "only_spend", "points", "price"]
    extra = 0

    def get_fields(self, request, obj=None):
        """Show who may only look what stands in the table."""
        if self.has_change_permission(request, obj):
            return self.fields
        return ["position", "audience", "points", "price_minor"]


@admin.register(Reward)
class RewardAdmin(StaffAdmin):
    """What members get for points."""

    when_empty = gettext_lazy(
        "Rewards are what members get for points: goods, coupons, stored value, "
        "benefits, event seats, donations. Add one; members find it in the app."
    )
    form = RewardForm
    inlines = [RewardPriceInline]
    list_display = [
        *("label", "kind_label", "points", "money", "value", "left_of_all"),
        *("starts_at", "ends_at", "state_label"),
    ]
    list_filter = ["is_active"]
    search_fields = ["name", "name_en"]
    ordering = ["-id"]
    readonly_fields = ["public_id", "taken", "in_words", "donated"]
    autocomplete_fields = ["benefit"]

    value = money_column("amount_minor", gettext_lazy("amount"), ordering=False)
    money = money_column("price_minor", gettext_lazy("and in money"), ordering=False)

    def get_queryset(self, request):
        """Leave the bytes of pictures where they are."""
        rewards = super().get_queryset(request).defer("picture")
        return rewards.select_related("variant", "benefit").prefetch_related("prices")

    def get_fieldsets(self, request, obj=None):
        """Show who may only look the columns, and everybody else the questions."""
        plain = [("name", "name_en"), ("text", "text_en"), "points", "price"]
        plain.append("in_words")
        limits = ["starts_at", "ends_at", ("stock", "taken"), "member_limit"]
        limits += ["refundable_days", "due_days", "is_active", "public_id"]
        may = self.has_change_permission(request, obj) or self.has_add_permission(
            request
        )
        if not may:
            plain[3] = "price_minor"
        what = list(_WHAT) if may else ["kind", *_SEAT, "benefit"]
        if obj is not None and obj.kind == "donation":
            what.append("donated")
        sets = [
            (None, {"fields": [*plain[:2], *what, *plain[2:]]}),
            (gettext_lazy("Limits"), {"fields": limits, "classes": ["tab"]}),
        ]
        if may:
            to_whom = {"fields": list(QUESTIONS), "classes": ["tab"]}
            sets.append((gettext_lazy("Visible to whom"), to_whom))
        return sets

    def save_model(self, request, obj, form, change) -> None:
        """Write what the form shows; pieces taken meanwhile are others' to count."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        written = {field.name for field in obj._meta.concrete_fields}
        written -= {"id", "public_id", "taken"}
        if not form.cleaned_data.get("upload"):
            written -= {"picture", "picture_id"}
        obj.save(update_fields=written)

    def has_delete_permission(self, request, obj=None) -> bool:
        """Refuse: what is over is no longer active, its redemptions stay."""
        return False

    @admin.display(description=gettext_lazy("reward"), ordering="name")
    def label(self, reward: Reward) -> str:
        """Return the name in the language of the page."""
        return reward.label

    @admin.display(description=gettext_lazy("kind"))
    def kind_label(self, reward: Reward) -> str:
        """Return what it is."""
        return str(reward_kind(reward.kind).label)

    @admin.display(description=gettext_lazy("left"))
    def left_of_all(self, reward: Reward) -> str:
        """Return the pieces that are left."""
        if reward.left is None:
            return "–"
        return _("%(left)s of %(stock)s") % {
            "left": f"{reward.left:,d}",
            "stock": f"{reward.stock:,d}",
        }

    @display(
        description=gettext_lazy("state"), label={"active": GOOD, "inactive": CALM}
    )
    def state_label(self, reward: Reward) -> tuple[str, str]:
        """Return whether members may see it."""
        if reward.is_active:
            return "active", _("active")
        return "inactive", _("inactive")

    @admin.display(description=gettext_lazy("given by members"))
    def donated(self, reward: Reward) -> str:
        """Return what the shop owes the good cause, by month."""
        lines = [
            (
                date_format(each.month, "YEAR_MONTH_FORMAT"),
                display_amount(each.amount_minor, settings.SHOP_CURRENCY),
            )
            for each in donations_by_month(reward_id=reward.pk)
        ]
        return format_html_join(mark_safe("<br>"), "{}: {}", lines) or "–"

    @admin.display(description=gettext_lazy("in plain words"))
    def in_words(self, reward: Reward) -> str:
        """Return who pays how many points, as one would tell a customer."""
        return words_of_reward(reward) if reward.pk else "–"


_SEAT = ("seat_at", "seat_until")
_WHAT = ("kind", "sku", "amount", "template", *_SEAT)
_WHAT += (("place", "place_en"), "benefit", "upload")


def price_words(priced: Reward | RewardPrice | RewardRedemption) -> str:
    """Return points, and the money besides where there is any."""
    points = _("%(points)s points") % {"points": f"{priced.points:,d}"}
    if not priced.price_minor:
        return points
    money = display_amount(priced.price_minor, settings.SHOP_CURRENCY)
    return _("%(points)s and %(money)s") % {"points": points, "money": money}


def words_of_reward(reward: Reward) -> str:
    """Return the price table and the limits in sentences, in the tested order."""
    names = dict(known_audiences())
    said = []
    for row in reward.prices.all():
        whom = names.get(row.audience, row.audience) or _("everybody")
        only = condition_words(row.condition)
        text = _("%(whom)s, if %(only)s: %(price)s.") if only else None
        text = text or _("%(whom)s: %(price)s.")
        said.append(text % {"whom": whom, "only": only, "price": price_words(row)})
    rest = _("Whoever is left: %(price)s.") if said else _("%(price)s.")
    said.append(rest % {"price": price_words(reward)})
    if reward.seat_at:
        begins = {"at": moment_words(reward.seat_at), "place": reward.where or "–"}
        said.append(_("Begins %(at)s; place: %(place)s.") % begins)
    if reward.seat_until:
        over = {"at": moment_words(reward.seat_until)}
        said.append(_("Passes let in until %(at)s.") % over)
    visible = condition_words(reward.condition)
    if visible:
        said.append(_("Only visible if %(condition)s.") % {"condition": visible})
    if reward.refundable_days:
        said.append(
            ngettext(
                "May be given back for %(days)s day.",
                "May be given back for %(days)s days.",
                reward.refundable_days,
            )
            % {"days": reward.refundable_days}
        )
    return " ".join(said)
