"""Addresses of the service desk API."""

from django.urls import path

from crm.care.api.views import MyTicket, MyTicketMessages, MyTickets

urlpatterns = [
    path("me/tickets", MyTickets.as_view(), name="my-tickets"),
    path("me/tickets/<str:public_id>", MyTicket.as_view(), name="my-ticket"),
    path(
        "me/tickets/<str:public_id>/messages",
        MyTicketMessages.as_view(),
        name="my-ticket-messages",
    ),
]
