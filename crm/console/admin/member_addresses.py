"""Addresses on the page of a member: one in clear, for a reason that is kept."""

from django.urls import path

from crm.console.admin.member_page import OfOneMember
from crm.console.admin.revealing import RevealDialog
from crm.console.queries.addresses import written_out
from members.models import User
from members.services.revealing import reveal_address


def address_urls(model_admin) -> list:
    """Return the URL of the dialog, wrapped in the site's sign-in check."""
    view = RevealAddress.as_view(model_admin=model_admin)
    return [
        path(
            "<str:public_id>/360/address/<slug:what>/",
            model_admin.admin_site.admin_view(view),
            name="member_reveal_address",
        )
    ]


class RevealAddress(RevealDialog, OfOneMember):
    """One address, for those who may see addresses and personal data."""

    rights = ("members.view_address", "members.view_pii")

    def find(self, what: str) -> None:
        """Remember which; the service looks whose it is."""
        self.address_id = what

    def value(self, actor: User, reason: str) -> str:
        """Return the address; refused where it is gone or somebody else's."""
        address = reveal_address(
            member_id=self.member.pk,
            address_id=self.address_id,
            actor=actor,
            reason=reason,
            now=self.at,
        )
        return written_out(address)
