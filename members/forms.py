"""What signing up asks beside e-mail and password."""

from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Member
from members.queries import email_is
from members.rules.profile import LONGEST_NAME, tidy_name
from members.services.inviting import UnknownInvitation, inviter_of


class SignupForm(forms.Form):
    """The part of the sign-up form that is ours."""

    name = forms.CharField(label=_("name"), max_length=LONGEST_NAME, required=False)

    invitation_code = forms.CharField(
        label=_("invitation code"), max_length=40, required=False
    )

    def clean_invitation_code(self) -> str:
        """Return a code that is somebody's, or none."""
        code = self.cleaned_data["invitation_code"]
        if not code.strip():
            return ""
        try:
            inviter_of(code)
        except UnknownInvitation as refusal:
            raise forms.ValidationError(
                str(refusal), code="unknown_invitation"
            ) from refusal
        return code

    def clean_name(self) -> str:
        """Return a tidy name."""
        try:
            return tidy_name(self.cleaned_data["name"])
        except ValueError as error:
            raise forms.ValidationError(_("This is no name.")) from error

    def clean(self):
        """Refuse the address of a member who has no login yet.

        Whoever types an address has not proved that they read its mail, so they do
        not get a membership that is already there: staff opens a login for it.
        """
        cleaned = super().clean()
        typed = getattr(context.request, "typed_email", "")
        if typed and Member.objects.filter(email_is(typed)).exists():
            self.add_error("email", get_adapter().validation_error("email_taken"))
        return cleaned

    def signup(self, request, user) -> None:
        """Do nothing: ``members.identity.adapters.AccountAdapter`` made the member."""
