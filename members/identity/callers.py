"""Who is at the other end: an address to count, a device to recognise."""

from allauth.core.internal.httpkit import get_client_ip
from django.core.exceptions import ImproperlyConfigured

from members.models import User
from members.rules.devices import LONGEST_DEVICE, device_name, network_of
from members.sessions import DEVICE, NETWORK, STAFF


def address_of(request) -> str:
    """Return the caller's address, as far as our own proxies vouch for it.

    ``X-Forwarded-For`` counts only from the right and only for as many proxies as
    ``CRM_TRUSTED_PROXIES`` says: what callers write into it themselves does not.
    """
    try:
        return get_client_ip(request) or ""
    except ImproperlyConfigured:  # fewer entries than proxies: came round them
        return request.META.get("REMOTE_ADDR", "")


def describe_session(request, user: User) -> None:
    """Write into a fresh session what the list of devices shows of it."""
    request.session[STAFF] = user.is_staff
    request.session[DEVICE] = device_name(request.headers.get("User-Agent", ""))[
        :LONGEST_DEVICE
    ]
    request.session[NETWORK] = network_of(address_of(request))
