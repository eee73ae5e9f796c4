"""What the storefront API gives and takes about wallets and gift cards."""

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from orders.models import GiftCard, Wallet, WalletEntry
from orders.rules.gift_codes import in_groups

#: Causes whose public id a member may see.
_SHOWN_SOURCES = {"payment", "refund", "gift_card"}


def _money(amount_minor: int) -> dict[str, str]:
    return as_api(amount_minor, settings.SHOP_CURRENCY)


class WalletShape(serializers.Serializer):
    """Stored value now; ``available = balance - held``."""

    balance = MoneyShape()
    held = MoneyShape()
    available = MoneyShape()

    def to_representation(self, wallet: Wallet) -> dict:
        """Write a wallet."""
        return {
            "balance": _money(wallet.balance_minor),
            "held": _money(wallet.held_minor),
            "available": _money(wallet.available_minor),
        }


class WalletEntryShape(serializers.ModelSerializer):
    """One movement; ``source`` names the payment, refund or card, if it was one."""

    id = serializers.CharField(source="public_id", read_only=True)
    type = serializers.CharField(source="kind", read_only=True)
    amount = serializers.SerializerMethodField()
    balance_after = serializers.SerializerMethodField()
    source = serializers.SerializerMethodField()

    class Meta:
        model = WalletEntry
        fields = ["id", "type", "amount", "balance_after", "source", "occurred_at"]
        read_only_fields = fields

    @extend_schema_field(MoneyShape)
    def get_amount(self, entry: WalletEntry) -> dict:
        """Return the movement with its sign."""
        return _money(entry.amount_minor)

    @extend_schema_field(MoneyShape)
    def get_balance_after(self, entry: WalletEntry) -> dict:
        """Return the balance it left."""
        return _money(entry.balance_after_minor)

    def get_source(self, entry: WalletEntry) -> str | None:
        """Return a public id; what staff and merges did has none."""
        kind, _colon, public_id = entry.source.partition(":")
        return public_id if kind in _SHOWN_SOURCES else None


class GiftCardCode(StrictSerializer):
    """A code as typed."""

    code = serializers.CharField(max_length=40)


class RedeemedShape(serializers.Serializer):
    """What a card put into the wallet, and what is in it now."""

    amount = MoneyShape()
    wallet = WalletShape()


def redeemed_shape(entry: WalletEntry, wallet: Wallet) -> dict:
    """Return what redeeming answers."""
    return {
        "amount": _money(entry.amount_minor),
        "wallet": WalletShape(wallet).data,
    }


class GiftCardShape(serializers.Serializer):
    """A card the caller bought; ``code`` is theirs to give away, and theirs to keep."""

    id = serializers.CharField()
    position = serializers.IntegerField()
    code = serializers.CharField(allow_null=True)
    amount = MoneyShape()
    status = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, card: GiftCard) -> dict:
        """Write a card; one that opens nothing any more has no code."""
        is_good = card.state == GiftCard.State.ISSUED
        return {
            "id": card.public_id,
            "position": card.line.position,
            "code": in_groups(card.code) if is_good else None,
            "amount": _money(card.amount_minor),
            "status": card.state,
            "expires_at": card.expires_at,
        }
