"""What staff of orders do only when somebody else agrees."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.shared.approvals import Deed
from crm.shared.models import Approval
from crm.shared.money import display_amount
from members.queries import standing_id
from orders.services.paying_by_hand import APPROVED
from orders.services.wallets import top_up_wallet


class WalletPayment(Deed):
    """Paying into or out of a wallet by hand, above the limit of the settings."""

    permission = "orders.add_walletentry"
    label = gettext_lazy("Payment of a wallet")

    def words(self, params: dict[str, Any]) -> str:
        """Return how much goes which way."""
        amount = display_amount(abs(params["amount_minor"]), settings.SHOP_CURRENCY)
        if params["amount_minor"] > 0:
            return _("Pay %(amount)s into the wallet.") % {"amount": amount}
        return _("Pay %(amount)s out of the wallet.") % {"amount": amount}

    def carry_out(self, approval: Approval, *, now: datetime) -> None:
        """Move the value, once; after a merge in the wallet of who stayed.

        Raises:
            NotEnoughInWallet: less than this is free to go out by now.
        """
        top_up_wallet(
            member_id=standing_id(approval.params["member"]),
            amount_minor=approval.params["amount_minor"],
            reason=approval.reason,
            actor=approval.author,
            source=f"{APPROVED}{approval.public_id}",
            now=now,
        )
