"""The form behind "Edit": what staff may correct, saved through the services."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from crm.shared.errors import Refusal
from members.models import Interest, Member
from members.services.correcting import correct_member

EDITABLE = (
    *("name", "phone", "email", "birthday", "gender", "region", "language"),
    *("nickname", "city", "occupation", "education", "interests", "bio"),
)


class MemberForm(forms.ModelForm):
    """Corrections of one member; carries the version they were made on."""

    seen_version = forms.IntegerField(
        label="", widget=forms.HiddenInput, required=False
    )
    interests = forms.MultipleChoiceField(
        label=_("Interests"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
    )
    #: Set on the class made for one request: what a service said to the last try.
    refusal: Refusal | None = None

    class Meta:
        model = Member
        fields = EDITABLE

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["interests"].choices = _words(self.instance.interests)
        if self.instance.pk:
            self.initial["seen_version"] = self.instance.version
            self.fields["seen_version"].required = True

    def clean(self):
        """Show what the service said, at the field it spoke of."""
        cleaned = super().clean()
        if self.refusal is not None:
            field = self.refusal.params.get("field")
            self.add_error(field if field in self.fields else None, str(self.refusal))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return new values of the fields that were changed."""
        changed = set(self.changed_data) & set(EDITABLE)
        return {name: self.cleaned_data[name] for name in changed}


def save_member(*, form: MemberForm, actor: Any, now: datetime) -> Member:
    """Correct a member by a valid form and return it as it stands.

    Raises:
        Refusal: as ``correct_member`` says; nothing was written.
    """
    return correct_member(
        member_id=form.instance.pk,
        changes=form.changes(),
        version=form.cleaned_data["seen_version"],
        actor=actor,
        now=now,
    )


def _words(kept: Iterable[str]) -> list[tuple[str, str]]:
    """Return what is offered, and what this member chose before."""
    kept = set(kept)
    words = [w for w in Interest.objects.all() if w.is_active or w.code in kept]
    return [(word.code, word.label) for word in words]
