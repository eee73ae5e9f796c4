"""What django-allauth sees of WeChat and Alipay alike.

Two roads lead in, both through ``/_allauth/``: a browser is sent away and comes back
with a code and the ``state`` of its session (``auth/provider/redirect``); a
mini-program or native app gets a code by itself (``auth/provider/token``).
"""

import logging
from typing import ClassVar

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core import ratelimit
from allauth.headless.adapter import get_adapter as get_headless_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import Provider, ProviderAccount
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm.shared import clock
from crm.shared.errors import Refusal
from crm.shared.public_ids import new_public_id
from members.models import User
from members.rules.external_identity import Identity
from members.rules.provider_answers import CodeRefused, ProviderBusy, ProviderFailed
from members.services.recognising import join_by_identity, link_identity, recognise

log = logging.getLogger(__name__)

_LONGEST_CODE = 256


class IdentityLogin(SocialLogin):
    """Somebody whose identity is proved and who is on the way in.

    ``identity`` lives as long as the request and is never serialised; what allauth
    keeps of it (account, session) names nobody.
    """

    def __init__(self, identity: Identity, provider: Provider):
        user = User()
        user.set_unusable_password()
        account = SocialAccount(provider=provider.id, uid=new_public_id("acc"))
        super().__init__(user=user, account=account, provider=provider)
        self.identity = identity

    def recognise(self, *, user_id: int | None) -> None:
        """Put the account we know in the place of the new one, if there is one."""
        account = recognise(identity=self.identity, user_id=user_id, now=clock.now())
        if account:
            self._is(account)

    def join(self) -> None:
        """Make a member of the stranger."""
        self._is(
            join_by_identity(
                identity=self.identity,
                language=get_language() or "",
                now=clock.now(),
            )
        )

    def save(self, request, connect=False) -> None:
        """Link the identity to who is signed in (allauth calls it for that alone)."""
        self._is(
            link_identity(user_id=self.user.pk, identity=self.identity, now=clock.now())
        )

    def _is(self, account: SocialAccount) -> None:
        self.account, self.user = account, account.user


class IdentityAccount(ProviderAccount):
    """How a linked account is shown: by its brand, for it holds nothing else."""

    def to_str(self) -> str:
        """Return the brand."""
        return self.get_brand()["name"]


class IdentityProvider(Provider):
    """Base of both. Subclasses say where to send people and how to read a code."""

    account_class = IdentityAccount
    package = "members.providers"
    #: Kinds of app whose people come by a browser; all others bring a code.
    redirect_kinds: ClassVar[frozenset[str]] = frozenset()
    #: Name of the parameter with which the browser brings the code back.
    code_parameter = "code"

    @property
    def kind(self) -> str:
        """What sort of app this is, in the provider's words."""
        return self.app.settings["kind"]

    @property
    def supports_redirect(self) -> bool:
        """Whether browsers sign in to this app."""
        return self.kind in self.redirect_kinds

    @property
    def supports_token_authentication(self) -> bool:
        """Whether a program brings the code."""
        return not self.supports_redirect

    def authorize_url(self, *, callback: str, state: str) -> str:
        """Return where the person is asked."""
        raise NotImplementedError

    def identify(self, code: str) -> Identity:
        """Trade a code for an identity; asks the provider, outside any transaction.

        Raises:
            CodeRefused, ProviderBusy, ProviderFailed: see there.
        """
        raise NotImplementedError

    def redirect(self, request, process, next_url=None, data=None, **kwargs):
        """Send the browser to the provider; its session remembers ``state``."""
        if not self.supports_redirect:
            raise get_headless_adapter().validation_error("unknown_provider")
        state = self.stash_redirect_state(
            request, process, next_url=next_url, data=data, **kwargs
        )
        path = reverse("identity_callback", args=[self.id, self.app.client_id])
        callback = request.build_absolute_uri(path)
        return HttpResponseRedirect(self.authorize_url(callback=callback, state=state))

    def verify_token(self, request, token) -> IdentityLogin:
        """Sign in with the code of a program, which comes as ``access_token``."""
        return self.login_by_code(request, token.get("access_token"))

    def login_by_code(self, request, code: object) -> IdentityLogin:
        """Return the login a code proves.

        Raises:
            ValidationError: it proves nobody; ``code`` says why.
        """
        if not ratelimit.consume(request, action="login"):
            raise get_account_adapter().validation_error("too_many_login_attempts")
        if not isinstance(code, str) or not 0 < len(code) <= _LONGEST_CODE:
            raise _refused("code_refused")
        try:
            return IdentityLogin(self.identify(code), self)
        except CodeRefused:
            raise _refused("code_refused") from None
        except ProviderBusy:
            raise _refused("provider_busy") from None
        except ProviderFailed as failure:
            log.error("%s did not answer well: %s", self.id, failure.detail)
            raise _refused("provider_failed") from None


def _refused(code: str) -> ValidationError:
    messages = {
        "code_refused": _("This code is not valid any more. Please try again."),
        "provider_busy": _("Too many people are signing in. Try again in a minute."),
        "provider_failed": _("Signing in this way is not possible at the moment."),
    }
    return ValidationError(messages[code], code=code)


def as_validation_error(refusal: Refusal) -> ValidationError:
    """Return a refusal in the shape allauth answers with."""
    return ValidationError(str(refusal), code=refusal.code)
