"""The member's rights: a copy of everything, and to be forgotten."""

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from crm.shared.clock import now
from crm.shared.strict import StrictQueryMixin, StrictSerializer
from members.authentication import IsMember
from members.models import DataExport, Erasure
from members.queries import newest_export, standing_erasure
from members.services.erasing import ask_to_be_forgotten, cancel_erasure
from members.services.exporting import ask_for_export, fetch_export


class DataExportShape(serializers.ModelSerializer):
    """Where a copy stands; ``download_url`` works once, until ``expires_at``."""

    id = serializers.CharField(source="public_id", read_only=True)
    download_url = serializers.SerializerMethodField()

    class Meta:
        model = DataExport
        fields = ["id", "state", "asked_at", "expires_at", "download_url"]
        read_only_fields = fields

    def get_download_url(self, export: DataExport) -> str | None:
        """Return the address of the file once it is ready."""
        if export.state != DataExport.State.READY or export.expires_at <= now():
            return None
        return reverse("my-data-export-file", args=[export.public_id])


class ErasureShape(serializers.ModelSerializer):
    """A request to be forgotten; until ``due_at`` it can be called off."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Erasure
        fields = ["id", "state", "asked_at", "due_at"]
        read_only_fields = fields


class ErasureRequest(StrictSerializer):
    """The member number, typed by hand."""

    confirm = serializers.CharField(max_length=20)


class MyDataExport(StrictQueryMixin, APIView):
    """POST asks for a copy of everything; GET says how far it is."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=DataExportShape)
    def get(self, request):
        """Return the newest copy that was asked for; 404 when there is none."""
        export = newest_export(member_id=request.user.member.pk)
        if export is None:
            raise NotFound
        return Response(DataExportShape(export).data)

    @extend_schema(request=None, responses={202: DataExportShape})
    def post(self, request):
        """Begin a copy; while one is open, return that one. Safe to retry."""
        if request.data:
            StrictSerializer(data=request.data).is_valid(raise_exception=True)
        export = ask_for_export(member_id=request.user.member.pk, now=now())
        return Response(
            DataExportShape(export).data,
            status=202,
            headers={"Location": reverse("my-data-export")},
        )


class MyDataExportFile(StrictQueryMixin, APIView):
    """GET the copy, once."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request, export: str):
        """Return a ZIP file of a JSON file and a page per language; 410 afterwards."""
        mine = DataExport.objects.filter(member=request.user.member, public_id=export)
        if not mine.exists():
            raise Http404
        content = fetch_export(public_id=export, actor=request.user, now=now())
        return zip_response(content)


def zip_response(content: bytes) -> HttpResponse:
    """Return the file such that no cache keeps it and no browser shows it."""
    return HttpResponse(
        content,
        content_type="application/zip",
        headers={
            "Content-Disposition": 'attachment; filename="my-data.zip"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


class MyErasure(StrictQueryMixin, APIView):
    """POST asks to be forgotten; GET says when; DELETE calls it off."""

    permission_classes = [IsAuthenticated, IsMember]

    @extend_schema(responses=ErasureShape)
    def get(self, request):
        """Return the request that stands; 404 when there is none."""
        return Response(ErasureShape(_standing(request)).data)

    @extend_schema(request=ErasureRequest, responses={202: ErasureShape})
    def post(self, request):
        """Schedule the erasure of the caller; safe to retry."""
        said = ErasureRequest(data=request.data)
        said.is_valid(raise_exception=True)
        erasure = ask_to_be_forgotten(
            member_id=request.user.member.pk,
            confirm=said.validated_data["confirm"],
            now=now(),
        )
        return Response(ErasureShape(erasure).data, status=202)

    @extend_schema(responses={204: None})
    def delete(self, request):
        """Call it off; 404 when none stands, 409 when it has begun."""
        cancel_erasure(erasure_id=_standing(request).pk, actor="member", now=now())
        return Response(status=204)


def _standing(request) -> Erasure:
    """Return the caller's own request; what staff asked for is not told here."""
    erasure = standing_erasure(member_id=request.user.member.pk)
    if erasure is None or erasure.author_id is not None:
        raise NotFound
    return erasure
