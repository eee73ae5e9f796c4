"""The form by which staff make somebody a member."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.shared.clock import today
from crm.shared.errors import Refusal
from members.models import Member
from members.services.checking import (
    AlreadyMember,
    checked_email,
    checked_name,
    checked_phone,
    refuse_known,
    set_birthday,
)
from members.services.inviting import inviter_of

#: Origin of members made here.
SOURCE = "staff"
_CHECKS = {"name": checked_name, "phone": checked_phone, "email": checked_email}


def _check_birthday(text: str) -> None:
    set_birthday(member=Member(), text=text, today=today())


class NewMemberForm(forms.ModelForm):
    """What is known of a new member; checked like every other way in."""

    invitation_code = forms.CharField(
        label=_("invitation code"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Of the member who brought them."),
    )

    #: Set on the class made for one request: what a service said to the last try.
    refusal: Refusal | None = None

    class Meta:
        model = Member
        fields = [
            "name",
            "gender",
            "phone",
            "email",
            "birthday",
            "region",
            "language",
        ]

    def clean(self) -> dict[str, Any]:
        """Say at the field what ``join`` would refuse."""
        cleaned = super().clean() or self.cleaned_data
        for name, check in _CHECKS.items():
            self._try(name, check, cleaned.get(name) or "")
        self._try("birthday", _check_birthday, cleaned.get("birthday") or "")
        code = cleaned.get("invitation_code", "")
        if code:
            self._try("invitation_code", inviter_of, code)
        if not self.errors:
            known = Member(phone=cleaned["phone"], email=cleaned["email"])
            self._try("", refuse_known, known)
        if self.refusal is not None:
            self.add_error(None, str(self.refusal))
        return cleaned

    def _try(self, name: str, check: Any, value: Any) -> None:
        try:
            check(value)
        except AlreadyMember as refusal:
            self.add_error(refusal.params["field"], str(refusal))
        except Refusal as refusal:
            self.add_error(name, str(refusal))

    def joining(self) -> dict[str, Any]:
        """Return the arguments of ``join``."""
        return {name: value or "" for name, value in self.cleaned_data.items()}
