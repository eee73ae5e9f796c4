"""Who an address of the server API names: ``members/{id}/…``."""

from django.db.models import Q
from django.http import Http404

from members.models import Member
from members.queries import or_who_stayed


def member_named(member_id: str) -> Member:
    """Return the member with this public id, after a merge who stayed.

    Raises:
        Http404: nobody has it.
    """
    member = Member.objects.filter(or_who_stayed(Q(public_id=member_id))).first()
    if member is None:
        raise Http404
    return member
