"""Where allauth asks what a proved identity means here."""

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base import AuthProcess

from crm.shared.errors import Refusal
from members.providers.base import as_validation_error


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Finds, joins and links members by identity; allauth keeps no name of anybody."""

    def pre_social_login(self, request, sociallogin) -> None:
        """Look for the member behind the names."""
        links = sociallogin.state.get("process") == AuthProcess.CONNECT
        user_id = request.user.pk if links else None
        try:
            sociallogin.recognise(user_id=user_id)
        except Refusal as refusal:
            raise as_validation_error(refusal) from refusal

    def save_user(self, request, sociallogin, form=None):
        """Make the stranger a member."""
        try:
            sociallogin.join()
        except Refusal as refusal:
            raise as_validation_error(refusal) from refusal
        return sociallogin.user

    def is_auto_signup_allowed(self, request, sociallogin) -> bool:
        """Ask nothing more: a form in between would have to be kept in the session."""
        return True

    def is_open_for_signup(self, request, sociallogin) -> bool:
        """Return whether strangers may join at all."""
        return get_account_adapter(request).is_open_for_signup(request)
