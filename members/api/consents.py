"""What members allow, what they are asked, and whom they invite."""

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin
from members.api.serializers import (
    ConsentList,
    ConsentShape,
    ConsentTextList,
    ConsentTextShape,
    InvitationShape,
    Statements,
    WaitingConsent,
)
from members.authentication import IsMember
from members.evidence import proof_of
from members.models import Consent, Invitation, Member
from members.queries import consent_text, current_consents, open_requests
from members.services.consenting import Statement, record_consents
from members.services.inviting import invitation_code_of


class MyConsents(StrictQueryMixin, APIView):
    """GET what I allow; PUT what I say now. Every change is kept."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=ConsentList)
    def get(self, request):
        """Return what holds now for each purpose and channel."""
        return consents_response(request.user.member)

    @extend_schema(request=Statements, responses=ConsentList)
    def put(self, request):
        """Add to the ledger what differs from what holds; safe to retry.

        Where the shop asks twice, a yes waits until the link that is sent was
        followed. A yes to a text that was never published is refused (422).
        """
        said = Statements(data=request.data)
        said.is_valid(raise_exception=True)
        member = request.user.member
        record_consents(
            member_id=member.pk,
            statements=[Statement(**row) for row in said.validated_data["consents"]],
            text_version=said.validated_data["text_version"],
            language=get_language() or "",
            source="storefront",
            proof=proof_of(request),
            now=now(),
        )
        return consents_response(member)


def consents_response(member: Member) -> Response:
    """Return all that holds now, and what waits."""
    standing = current_consents(member_id=member.pk)
    waiting = open_requests(member_id=member.pk, at=now())
    return Response(
        {
            "data": ConsentShape(standing, many=True).data,
            "waiting": WaitingConsent(waiting, many=True).data,
        }
    )


class ConsentTexts(StrictQueryMixin, APIView):
    """GET the texts to ask with, in the language of the request."""

    permission_classes = [AllowAny]

    @extend_schema(responses=ConsentTextList)
    def get(self, request):
        """Return the newest text of each purpose; send its version with a consent."""
        language = get_language() or ""
        found = [
            consent_text(purpose=purpose, language=language)
            for purpose in Consent.Purpose.values
        ]
        texts = [text for text in found if text]
        return Response({"data": ConsentTextShape(texts, many=True).data})


class MyInvitation(StrictQueryMixin, APIView):
    """GET the code I invite friends with."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=InvitationShape)
    def get(self, request):
        """Return the code, and how many joined with it."""
        member = request.user.member
        shape = {
            "code": invitation_code_of(member_id=member.pk, now=now()),
            "accepted": Invitation.objects.filter(inviter=member).count(),
        }
        return Response(InvitationShape(shape).data)
