"""Addresses of the members API."""

from django.urls import path

from members.api.addresses import MyAddress, MyAddresses
from members.api.attributes import Interests, MyAttributes
from members.api.avatar import MyAvatar
from members.api.consents import ConsentTexts, MyConsents, MyInvitation
from members.api.devices import MyDevice, MyDevices
from members.api.identities import GiveProof, MyIdentities, MyIdentity, RequestProof
from members.api.instruments import MyInstrument, MyInstruments, VerifyInstrument
from members.api.privacy import MyDataExport, MyDataExportFile, MyErasure
from members.api.views import Me

urlpatterns = [
    path("interests", Interests.as_view(), name="interests"),
    path("me", Me.as_view(), name="me"),
    path("me/consents", MyConsents.as_view(), name="my-consents"),
    path("me/addresses", MyAddresses.as_view(), name="my-addresses"),
    path("me/addresses/<str:address>", MyAddress.as_view(), name="my-address"),
    path("me/attributes", MyAttributes.as_view(), name="my-attributes"),
    path("me/avatar", MyAvatar.as_view(), name="my-avatar"),
    path("me/devices", MyDevices.as_view(), name="my-devices"),
    path("me/devices/<str:device_id>", MyDevice.as_view(), name="my-device"),
    path("me/identities", MyIdentities.as_view(), name="my-identities"),
    path("me/identities/<str:identity_id>", MyIdentity.as_view(), name="my-identity"),
    path("me/contact-codes", RequestProof.as_view(), name="my-contact-codes"),
    path("me/contact-proofs", GiveProof.as_view(), name="my-contact-proofs"),
    path("me/payment-instruments", MyInstruments.as_view(), name="my-instruments"),
    path(
        "me/payment-instruments/<str:instrument>",
        MyInstrument.as_view(),
        name="my-instrument",
    ),
    path(
        "me/payment-instruments/<str:instrument>/verify",
        VerifyInstrument.as_view(),
        name="verify-instrument",
    ),
    path("me/invitation", MyInvitation.as_view(), name="my-invitation"),
    path("consent-texts", ConsentTexts.as_view(), name="consent-texts"),
    path("me/data-export", MyDataExport.as_view(), name="my-data-export"),
    path(
        "me/data-export/<str:export>/file",
        MyDataExportFile.as_view(),
        name="my-data-export-file",
    ),
    path("me/erasure", MyErasure.as_view(), name="my-erasure"),
]
