"""The member's tickets. Somebody else's answer like none."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.reverse import reverse

from crm.care.api.serializers import (
    MessageRequest,
    MessageShape,
    TicketRequest,
    TicketShape,
)
from crm.care.models import Ticket, TicketMessage
from crm.care.queries import messages_for_member, tickets_of
from crm.care.services.talking import open_ticket, reply_as_member
from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.strict import StrictQueryMixin
from members.authentication import IsMember


class MyTickets(StrictQueryMixin, ListAPIView):
    """GET my tickets, newest first; POST opens one."""

    permission_classes = [IsAuthenticated, IsMember]
    serializer_class = TicketShape
    filterset_fields = ["state", "kind"]
    queryset = Ticket.objects.none()

    def get_queryset(self):
        """Return the caller's own tickets."""
        if getattr(self, "swagger_fake_view", False):
            return Ticket.objects.none()
        return tickets_of(self.request.user.member.pk)

    @extend_schema(request=TicketRequest, responses={201: TicketShape})
    @idempotent
    def post(self, request):
        """Open a ticket; safe to repeat with an Idempotency-Key."""
        member_id = request.user.member.pk
        asked = TicketRequest(data=request.data, context={"member_id": member_id})
        asked.is_valid(raise_exception=True)
        ticket = open_ticket(member_id=member_id, now=now(), **asked.validated_data)
        where = reverse("my-ticket", args=[ticket.public_id])
        return Response(
            TicketShape(ticket).data, status=201, headers={"Location": where}
        )


class MyTicket(StrictQueryMixin, RetrieveAPIView):
    """GET one of my tickets."""

    permission_classes = [IsAuthenticated, IsMember]
    serializer_class = TicketShape
    pagination_class = None
    lookup_field = "public_id"
    queryset = Ticket.objects.none()

    def get_queryset(self):
        """Return the caller's own tickets."""
        return tickets_of(self.request.user.member.pk)


class MyTicketMessages(StrictQueryMixin, ListAPIView):
    """GET the conversation, oldest first, without notes of staff; POST adds to it."""

    permission_classes = [IsAuthenticated, IsMember]
    serializer_class = MessageShape
    cursor_ordering = ["created_at", "id"]
    queryset = TicketMessage.objects.none()

    def get_queryset(self):
        """Return what the caller may read."""
        if getattr(self, "swagger_fake_view", False):
            return TicketMessage.objects.none()
        return messages_for_member(self.ticket())

    def ticket(self) -> Ticket:
        """Return the ticket of the address, if it is the caller's."""
        mine = tickets_of(self.request.user.member.pk)
        return get_object_or_404(mine, public_id=self.kwargs["public_id"])

    @extend_schema(request=MessageRequest, responses={201: MessageShape})
    @idempotent
    def post(self, request, public_id):
        """Add a message; a solved ticket opens again."""
        said = MessageRequest(data=request.data)
        ticket = self.ticket()
        said.is_valid(raise_exception=True)
        message = reply_as_member(
            ticket_id=ticket.pk, text=said.validated_data["text"], now=now()
        )
        return Response(MessageShape(message).data, status=201)
