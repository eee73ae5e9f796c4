"""Members in the server API: for the shop's other programs, by external id."""

from django.db.models import Q
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from crm.shared.batches import BatchRequest, BatchResponse, answer_each
from crm.shared.clock import now
from crm.shared.idempotency import idempotent
from crm.shared.server_api import ServerView
from members.api.server_serializers import (
    BatchItem,
    BatchRequestSchema,
    Lookup,
    MemberValues,
    ServerMemberWithConsents,
)
from members.api.views import version_of
from members.models import Member
from members.queries import current_consents, email_is, or_who_stayed, phone_is
from members.services.upserting import upsert_member

READ, WRITE = "members:read", "members:write"
_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="ETag last seen."
)


def member_response(member: Member, *, status: int = 200) -> Response:
    """Return a member with what they allow, its version as ETag."""
    member.standing_consents = current_consents(member_id=member.pk)
    return Response(
        ServerMemberWithConsents(member).data,
        status=status,
        headers={"ETag": f'"{member.version}"'},
    )


class MemberByExternalId(ServerView):
    """GET and PUT the member another system knows under this number."""

    scopes = {"GET": READ, "PUT": WRITE}

    @extend_schema(
        operation_id="server_member_retrieve", responses=ServerMemberWithConsents
    )
    def get(self, request, source: str, external_id: str):
        """Return the member in clear."""
        known = or_who_stayed(Q(source=source, external_id=external_id))
        member = Member.objects.filter(known).first()
        if member is None:
            raise Http404
        return member_response(member)

    @extend_schema(
        operation_id="server_member_upsert",
        request=MemberValues,
        responses={
            200: ServerMemberWithConsents,
            201: OpenApiResponse(ServerMemberWithConsents, "A new member"),
        },
        parameters=[_IF_MATCH],
    )
    @idempotent
    def put(self, request, source: str, external_id: str):
        """Create (201) or update (200); what is left out stays, null clears.

        409 ``already_member`` when phone or e-mail belongs to a member with another
        number; its params name the field, and nothing was written. 412 when the ETag
        is stale.
        """
        body = MemberValues(data=request.data)
        body.is_valid(raise_exception=True)
        done = upsert_member(
            source=source,
            external_id=external_id,
            **body.request(),
            version=version_of(request),
            actor=str(request.user),
            now=now(),
        )
        return member_response(done.member, status=201 if done.created else 200)


class MemberLookup(ServerView):
    """POST a phone or an e-mail address to find whose it is."""

    scopes = {"POST": READ}

    @extend_schema(
        operation_id="server_member_lookup",
        request=Lookup,
        responses=ServerMemberWithConsents,
    )
    def post(self, request):
        """Return the member, or 404."""
        wanted = Lookup(data=request.data)
        wanted.is_valid(raise_exception=True)
        (field, text), *_none = wanted.validated_data.items()
        condition = phone_is(text) if field == "phone" else email_is(text)
        member = Member.objects.filter(or_who_stayed(condition)).first()
        if member is None:
            raise Http404
        return member_response(member)


class MemberBatch(ServerView):
    """POST up to 100 members at once."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="server_member_batch",
        request=BatchRequestSchema,
        responses=BatchResponse,
    )
    @idempotent
    def post(self, request):
        """Create or update each; one that fails leaves the others alone.

        The answer is 200 whatever became of the items: look at each ``status``.
        """
        body = BatchRequest(data=request.data)
        body.is_valid(raise_exception=True)
        at, actor = now(), str(request.user)

        def upsert(item: dict) -> tuple[str, bool]:
            told = BatchItem(data=item)
            told.is_valid(raise_exception=True)
            done = upsert_member(**told.request(), actor=actor, now=at)
            return done.member.public_id, done.created

        results = answer_each(body.validated_data["items"], upsert)
        return Response({"data": list(results)})
