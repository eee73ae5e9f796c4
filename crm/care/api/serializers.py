"""What the service desk API takes and gives."""

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.care.models import Ticket, TicketMessage
from crm.shared.strict import StrictSerializer
from orders.models import Order


class TicketShape(serializers.ModelSerializer):
    """A ticket as its member sees it: who of the staff works on it is not theirs."""

    id = serializers.CharField(source="public_id", read_only=True)
    order_id = serializers.CharField(
        source="order.public_id", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Ticket
        fields = [
            "id",
            "kind",
            "state",
            "subject",
            "order_id",
            "created_at",
            "due_at",
            "solved_at",
        ]
        read_only_fields = fields


class TicketRequest(StrictSerializer):
    """A new ticket; ``order_id`` names one of the caller's own orders."""

    kind = serializers.ChoiceField(Ticket.Kind.choices)
    subject = serializers.CharField(max_length=160)
    text = serializers.CharField(max_length=4000)
    order_id = serializers.CharField(max_length=40, required=False, allow_null=True)

    def validate_order_id(self, value):
        """Return the key of the order; somebody else's is as unknown as none."""
        if value is None:
            return None
        mine = Order.objects.filter(member_id=self.context["member_id"])
        key = mine.filter(public_id=value).values_list("pk", flat=True).first()
        if key is None:
            raise serializers.ValidationError(
                _("Unknown order."), code="does_not_exist"
            )
        return key


class MessageShape(serializers.ModelSerializer):
    """One message of the conversation."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = TicketMessage
        fields = ["id", "is_from_member", "text", "created_at"]
        read_only_fields = fields


class MessageRequest(StrictSerializer):
    """What the member adds."""

    text = serializers.CharField(max_length=4000)
