"""What the API of group buying takes and gives."""

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.models import Group, GroupDeal, Seat
from crm.shared.money import as_api
from crm.shared.serializers import MoneyShape
from crm.shared.strict import StrictSerializer
from orders.models import Order
from orders.rules.reviews import byline


class SeatRequest(StrictSerializer):
    """Where the goods of a seat go: one of the member's addresses, if known already."""

    address = serializers.CharField(max_length=40, required=False)


class DealProduct(serializers.Serializer):
    """Which product a deal is about."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="label")


class StepShape(serializers.Serializer):
    """So many members pay so much each."""

    members = serializers.IntegerField()
    price = MoneyShape()


def steps_shape(rungs: list) -> list[dict]:
    """Return steps as the API writes them."""
    currency = settings.SHOP_CURRENCY
    return [
        {"members": size, "price": as_api(price, currency)} for size, price in rungs
    ]


class LeaderRewardShape(serializers.Serializer):
    """What leads to success brings (G16): points, a coupon by its name, or both.

    ``waits`` till nobody of the group can send goods back, ``shares`` the points by
    the seats that stay, ``keeps`` it when the leader's own order is given back.
    """

    points = serializers.IntegerField(source="leader_points")
    coupon = serializers.CharField(source="leader_coupon.label", default=None)
    waits = serializers.BooleanField(source="leader_waits")
    shares = serializers.BooleanField(source="leader_shares")
    keeps = serializers.BooleanField(source="leader_keeps")


class GroupDealShape(serializers.ModelSerializer):
    """A deal that opens groups now; ``remaining`` seats, null without a limit.

    ``leader_reward`` is null where nothing is promised.
    """

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="label")
    product = DealProduct(source="variant.product")
    sku = serializers.CharField(source="variant.sku")
    option = serializers.CharField(source="variant.option")
    list_price = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    remaining = serializers.SerializerMethodField()
    leader_reward = serializers.SerializerMethodField()

    class Meta:
        model = GroupDeal
        fields = [
            *("id", "name", "product", "sku", "option", "list_price", "steps"),
            *("hours", "starts_at", "ends_at", "new_members", "remaining"),
            "leader_reward",
        ]
        read_only_fields = fields

    @extend_schema_field(MoneyShape)
    def get_list_price(self, deal: GroupDeal) -> dict:
        """Return what it costs without a group."""
        return as_api(deal.variant.price_minor, settings.SHOP_CURRENCY)

    @extend_schema_field(StepShape(many=True))
    def get_steps(self, deal: GroupDeal) -> list[dict]:
        """Return who pays what; the first is what a seat costs at first."""
        return steps_shape([(r.size, r.price_minor) for r in deal.rungs.all()])

    def get_remaining(self, deal: GroupDeal) -> int | None:
        """Return how many seats of all groups are left."""
        return None if deal.stock is None else deal.stock - deal.taken

    @extend_schema_field(LeaderRewardShape(allow_null=True))
    def get_leader_reward(self, deal: GroupDeal) -> dict | None:
        """Return what a group of this deal promises its leader."""
        return LeaderRewardShape(deal).data if deal.leader_reward else None


class GroupShape(serializers.ModelSerializer):
    """A group; ``seats_left`` counts held seats as taken (G2).

    ``leader`` is masked, empty for a former member. ``price`` is what all pay in the
    end, ``completed_by_shop`` says that the shop decided it (G12).
    """

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    leader = serializers.SerializerMethodField()
    seats = serializers.IntegerField(source="size")
    seats_left = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    price = serializers.SerializerMethodField()

    class Meta:
        model = Group
        fields = [
            *("id", "status", "leader", "seats", "paid", "seats_left", "steps"),
            *("price", "completed_by_shop", "opened_at", "deadline_at", "settled_at"),
        ]
        read_only_fields = fields

    def get_leader(self, group: Group) -> str:
        """Return the masked nickname of who leads."""
        leaders = [seat.member for seat in group.leaders]
        return byline(leaders[0].nickname or leaders[0].name) if leaders else ""

    def get_seats_left(self, group: Group) -> int:
        """Return how many may still join."""
        return group.size - group.held - group.paid

    @extend_schema_field(StepShape(many=True))
    def get_steps(self, group: Group) -> list[dict]:
        """Return the steps of the day it was opened (G10)."""
        return steps_shape(group.rungs)

    @extend_schema_field(MoneyShape(allow_null=True))
    def get_price(self, group: Group) -> dict | None:
        """Return what everybody pays in the end, null before."""
        if group.price_minor is None:
            return None
        return as_api(group.price_minor, settings.SHOP_CURRENCY)


class GroupDealDetailShape(GroupDealShape):
    """A deal with open groups that have a free seat."""

    groups = GroupShape(many=True, source="groups_to_join")

    class Meta(GroupDealShape.Meta):
        fields = [*GroupDealShape.Meta.fields, "groups"]
        read_only_fields = fields


class DealReference(serializers.Serializer):
    """Which deal a group belongs to."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField(source="label")


class GroupDetailShape(GroupShape):
    """A group with its deal."""

    deal = DealReference()

    class Meta(GroupShape.Meta):
        fields = ["deal", *GroupShape.Meta.fields]
        read_only_fields = fields


class SeatOrderShape(serializers.ModelSerializer):
    """The order that pays for a seat; pay it till ``payment_due_at``."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    total = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = ["id", "number", "status", "total", "payment_due_at"]
        read_only_fields = fields

    @extend_schema_field(MoneyShape)
    def get_total(self, order: Order) -> dict:
        """Return what is to be paid, freight included."""
        return as_api(order.total_minor, order.currency)


class SeatShape(serializers.ModelSerializer):
    """A member's own seat, with its group and the order that pays for it."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(source="state")
    price = serializers.SerializerMethodField()
    group = GroupDetailShape()
    order = SeatOrderShape()

    class Meta:
        model = Seat
        fields = [
            *("id", "status", "is_leader", "price", "taken_at", "paid_at", "ended_at"),
            *("group", "order"),
        ]
        read_only_fields = fields

    @extend_schema_field(MoneyShape)
    def get_price(self, seat: Seat) -> dict:
        """Return the price fixed when the seat was taken (G10)."""
        return as_api(seat.price_minor, settings.SHOP_CURRENCY)
