"""The second step of a double opt-in: a link is sent, and followed."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.blind_index import fingerprint, fingerprints
from crm.shared.errors import Refusal
from members.models import Consent, ConsentRequest, Member
from members.rules.consent import Proof
from members.rules.lifecycle import ACTIVE, FROZEN

#: What the hash of a token is bound to. Never changes, whatever the table is called.
_PLACE = "members_consentrequest.token"
_TOKEN_BYTES = 24
_LONGEST_TOKEN = 64
_ADDRESS_INDEX = {"email": "email_index", "sms": "phone_index"}


class LinkIsOver(Refusal):
    """This link does not work any more. Ask for a new one."""

    code = "link_is_over"
    status = 404
    message = _("This link does not work any more. Ask for a new one.")


@transaction.atomic
def issue_token(*, request_id: int) -> str | None:
    """Give an open request a fresh secret for its link and return it, this once.

    The database keeps a keyed hash. A link sent before stops working. None when the
    request was confirmed or taken back meanwhile, or there is no address to send to.
    """
    request = (
        ConsentRequest.objects.select_for_update(of=("self",))
        .select_related("member")
        .filter(pk=request_id, confirmed_at__isnull=True)
        .first()
    )
    if request is None:
        return None
    address = _address_mark(request)
    if address is None:
        return None
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    request.token_mark = fingerprint(token, _PLACE)
    request.address_mark = address
    request.save(update_fields=["token_mark", "address_mark"])
    return token


def find_request(*, token: str, now: datetime) -> ConsentRequest:
    """Return the request a link belongs to; confirmed ones too, reads only.

    Raises:
        LinkIsOver: no such link, too old, or the address is another by now.
    """
    if not 0 < len(token) <= _LONGEST_TOKEN or not token.isascii():
        raise LinkIsOver
    request = (
        ConsentRequest.objects.select_related("member")
        .filter(token_mark__in=fingerprints(token, _PLACE))
        .first()
    )
    if request is None or request.member.state not in {ACTIVE, FROZEN}:
        raise LinkIsOver
    if request.confirmed_at is None and (
        request.expires_at <= now
        or _address_mark(request) != bytes(request.address_mark)
    ):
        raise LinkIsOver
    return request


@transaction.atomic
def confirm_consent(*, token: str, proof: Proof, now: datetime) -> Consent:
    """Grant what a link was sent for, once; following it again changes nothing.

    Args:
        token: the secret in the link.
        proof: what the request that followed the link showed.
        now: when, aware.

    Raises:
        LinkIsOver: see ``find_request``.
    """
    found = find_request(token=token, now=now)
    # Member before request: the order in which every consent is locked.
    Member.objects.select_for_update().get(pk=found.member_id)
    request = find_request(token=token, now=now)
    if request.confirmed_at is not None:
        return request.consent
    request.confirmed_at = now
    request.save(update_fields=["confirmed_at"])
    return Consent.objects.create(
        member=request.member,
        purpose=request.purpose,
        channel=request.channel,
        granted=True,
        text_version=request.text_version,
        text_digest=request.text_digest,
        source=request.source,
        first_step=request,
        request_id=proof.request_id[:64],
        network=proof.network,
        agent=proof.agent,
        occurred_at=now,
    )


def _address_mark(request: ConsentRequest) -> bytes | None:
    mark = getattr(request.member, _ADDRESS_INDEX[request.channel])
    return bytes(mark) if mark else None
