"""Where browsers come back to from WeChat and Alipay."""

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import (
    complete_social_login,
    render_authentication_error,
)
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthError
from django.core.exceptions import ValidationError
from django.http import Http404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET


@never_cache
@require_GET
def identity_callback(request, provider_id: str, app_id: str):
    """Complete a sign-in by redirect.

    Only the browser that was sent away comes in: ``state`` is looked up in its
    session, once. It then goes on to the storefront, with ``?error=`` when refused.
    """
    try:
        provider = get_adapter().get_provider(request, provider_id, client_id=app_id)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    state_id = request.GET.get("state", "")
    state = statekit.unstash_state(
        request, provider_id=provider.sub_id, state_id=state_id
    )
    if state is None:
        return render_authentication_error(request, provider)
    code = request.GET.get(provider.code_parameter)
    if not code:
        # Both providers come back without a code when the person says no.
        return _refuse(request, provider, state, AuthError.CANCELLED)
    try:
        login = provider.login_by_code(request, code)
    except ValidationError as error:
        return _refuse(request, provider, state, error.code)
    login.state = state
    try:
        return complete_social_login(request, login)
    except ImmediateHttpResponse as answer:
        return answer.response


def _refuse(request, provider, state: dict, error: str):
    return render_authentication_error(
        request, provider, error=error, extra_context={"state": state}
    )
