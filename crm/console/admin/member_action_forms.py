"""What staff fill in before they do something for a member."""

import uuid

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from campaigns.models import CouponTemplate
from crm.shared.clock import today
from crm.shared.money_field import MoneyField
from loyalty.models import Ladder, PointsFreeze, ReasonCode, Tier
from loyalty.queries.books import open_freezes
from members.models import Consent, Member, Tag

#: Points one click may move.
MOST_POINTS = 1_000_000


class DeedForm(forms.Form):
    """What is done for ``member``; None where it is many."""

    def __init__(self, *args, member: Member | None = None, **kwargs):
        super().__init__(*args, **kwargs)
        self.member = member


class ReasonForm(DeedForm):
    """Every deed has a reason; ``request_key`` makes a double click one deed."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        min_length=3,
        max_length=200,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=gettext_lazy("Kept in the audit trail; do not name people."),
    )
    request_key = forms.CharField(max_length=36, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("initial", {"request_key": str(uuid.uuid4())})
        super().__init__(*args, **kwargs)


class CodedReasonForm(ReasonForm):
    """What is done to points has a reason that finance groups by, and a note (P27)."""

    reason_code = forms.ChoiceField(
        label=gettext_lazy("Reason code"),
        choices=[("", gettext_lazy("Choose a reason")), *ReasonCode.choices],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["reason_code", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["reason"].label = _("Note")


class PointsForm(CodedReasonForm):
    """So many points, and why."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=1,
        max_value=MOST_POINTS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    field_order = ["points", "reason_code", "reason"]


class WalletForm(ReasonForm):
    """So much money, and why."""

    amount_minor = MoneyField(label=gettext_lazy("Amount"), min_value=1)
    field_order = ["amount_minor", "reason"]


class CouponForm(ReasonForm):
    """Which coupon, and why."""

    template = forms.ModelChoiceField(
        label=gettext_lazy("Coupon template"),
        queryset=CouponTemplate.objects.filter(state=CouponTemplate.State.LIVE),
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["template", "reason"]


class ConsentForm(ReasonForm):
    """What a member said to staff."""

    purpose = forms.ChoiceField(
        label=gettext_lazy("purpose"),
        choices=Consent.Purpose.choices,
        widget=UnfoldAdminSelectWidget,
    )
    channel = forms.ChoiceField(
        label=gettext_lazy("channel"),
        choices=Consent.Channel.choices,
        widget=UnfoldAdminSelectWidget,
    )
    granted = forms.ChoiceField(
        label=gettext_lazy("The member says"),
        choices=[("no", gettext_lazy("no")), ("yes", gettext_lazy("yes"))],
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["purpose", "channel", "granted", "reason"]


class TagEndForm(DeedForm):
    """How long a tag stays."""

    until = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["until"].help_text = _(
            "The tag ends with this day, by the time of %(zone)s. Empty: it stays."
        ) % {"zone": settings.SHOP_TIME_ZONE}

    def clean_until(self):
        """Refuse days that are over."""
        day = self.cleaned_data["until"]
        if day is not None and day < today():
            raise forms.ValidationError(_("This day is over."))
        return day


class FreezeForm(CodedReasonForm):
    """Why an account is frozen, and whether the lost time is given back (P14)."""

    is_fraud = forms.BooleanField(
        label=gettext_lazy("It is for fraud"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("Then points go on ending, and no time is given back."),
    )
    field_order = ["is_fraud", "reason_code", "reason"]


class FreezePointsForm(CodedReasonForm):
    """How many points are set aside, until when, and why (P15)."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        required=False,
        min_value=1,
        max_value=MOST_POINTS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Empty: all that are available."),
    )
    until = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty: until somebody unfreezes them."),
    )
    field_order = ["points", "until", "reason_code", "reason"]

    def clean_until(self):
        """Refuse days that are over."""
        day = self.cleaned_data["until"]
        if day is not None and day < today():
            raise forms.ValidationError(_("This day is over."))
        return day


class FreezeChoice(forms.ModelChoiceField):
    """Chooses among frozen points."""

    def label_from_instance(self, freeze: PointsFreeze) -> str:
        """Return how many, and why."""
        return _("%(points)s points: %(reason)s") % {
            "points": f"{freeze.hold.points:,d}",
            "reason": freeze.reason,
        }


class UnfreezePointsForm(CodedReasonForm):
    """Which points are free again, and why."""

    freeze = FreezeChoice(
        label=gettext_lazy("Frozen points"),
        queryset=PointsFreeze.objects.none(),
        to_field_name="public_id",
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["freeze", "reason_code", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.member is not None:
            self.fields["freeze"].queryset = open_freezes(member_id=self.member.pk)


class TagForm(TagEndForm):
    """Which word of those there are, and how long."""

    tag = forms.ModelChoiceField(
        label=gettext_lazy("Tag"),
        queryset=Tag.objects.all(),
        to_field_name="name",
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["tag", "until"]


class TagEachForm(TagEndForm, ReasonForm):
    """Which word, also a new one, how long, and why it goes on so many."""

    tag = forms.CharField(
        label=gettext_lazy("Tag"), max_length=40, widget=UnfoldAdminTextInputWidget
    )
    field_order = ["tag", "until", "reason"]


class PinForm(ReasonForm):
    """A tier to hold a member on, to the end of a day or until somebody lets go."""

    tier = forms.ModelChoiceField(
        label=gettext_lazy("Tier"),
        queryset=Tier.objects.filter(removed_at=None).select_related("ladder"),
        widget=UnfoldAdminSelectWidget,
    )
    until = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=gettext_lazy("Empty is until somebody lets go."),
    )
    field_order = ["tier", "until", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["tier"].label_from_instance = lambda tier: (
            f"{tier.ladder} · {tier.label}"
        )

    def clean_until(self):
        """Refuse days that are over."""
        day = self.cleaned_data["until"]
        if day is not None and day < today():
            raise forms.ValidationError(_("This day is over."))
        return day


class UnpinForm(ReasonForm):
    """The ladder on which a member is let go of."""

    ladder = forms.ModelChoiceField(
        label=gettext_lazy("Ladder"),
        queryset=Ladder.objects.order_by("pk"),
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ["ladder", "reason"]
