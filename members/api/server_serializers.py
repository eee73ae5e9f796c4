"""What the server API takes and gives about members."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.shared.server_api import EXTERNAL_ID_PATTERN, SOURCE_PATTERN
from crm.shared.strict import StrictSerializer
from members.api.serializers import ConsentShape
from members.models import Consent, Member
from members.rules.profile import LONGEST_NAME
from members.services.upserting import GivenConsent

_MOST_CONSENTS = 20


class ServerMember(serializers.ModelSerializer):
    """A member in clear, for programs that may read them."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Member
        fields = [
            "id",
            "number",
            "state",
            "source",
            "external_id",
            "name",
            "phone",
            "email",
            "birthday",
            "gender",
            "region",
            "language",
            "joined_at",
        ]
        read_only_fields = fields


class ServerMemberWithConsents(ServerMember):
    """A member, and what they allow now."""

    consents = ConsentShape(many=True, source="standing_consents", read_only=True)

    class Meta(ServerMember.Meta):
        fields = [*ServerMember.Meta.fields, "consents"]
        read_only_fields = fields


class ForeignConsent(StrictSerializer):
    """What a member said to another system, and where."""

    purpose = serializers.ChoiceField(Consent.Purpose.choices)
    channel = serializers.ChoiceField(Consent.Channel.choices)
    granted = serializers.BooleanField()
    text_version = serializers.CharField(max_length=40)
    source = serializers.CharField(
        max_length=60, help_text="Form, file or till, such as pos:store-12."
    )


class MemberValues(StrictSerializer):
    """What is known there. What is left out stays; null clears."""

    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_null=True, allow_blank=True
    )
    phone = serializers.CharField(
        max_length=40, required=False, allow_null=True, allow_blank=True
    )
    email = serializers.CharField(
        max_length=254, required=False, allow_null=True, allow_blank=True
    )
    birthday = serializers.DateField(required=False, allow_null=True)
    gender = serializers.ChoiceField(
        Member.Gender.choices, required=False, allow_null=True, allow_blank=True
    )
    region = serializers.CharField(
        max_length=60, required=False, allow_null=True, allow_blank=True
    )
    language = serializers.ChoiceField(settings.LANGUAGES, required=False)
    consents = ForeignConsent(many=True, required=False, max_length=_MOST_CONSENTS)
    invitation_code = serializers.CharField(max_length=40, required=False)

    is_new = serializers.BooleanField(
        default=True,
        help_text="No for members you move here: they get no welcome gifts.",
    )

    def validate_birthday(self, value):
        """Hand the day on as text, as it is kept."""
        return value.isoformat() if value else None

    def request(self) -> dict:
        """Return the arguments of ``upsert_member`` that the body holds."""
        values = dict(self.validated_data)
        consents = [GivenConsent(**row) for row in values.pop("consents", [])]
        code, is_new = values.pop("invitation_code", ""), values.pop("is_new")
        about = {
            name: values.pop(name)
            for name in ("source", "external_id")
            if name in values
        }
        return {
            **about,
            "values": values,
            "consents": consents,
            "invitation_code": code,
            "is_new": is_new,
        }


class BatchItem(MemberValues):
    """One member of a batch."""

    source = serializers.RegexField(rf"\A{SOURCE_PATTERN}\Z")
    external_id = serializers.RegexField(rf"\A{EXTERNAL_ID_PATTERN}\Z")


class BatchRequestSchema(serializers.Serializer):
    """Up to 100 members (shape for the API description)."""

    items = BatchItem(many=True)


class Lookup(StrictSerializer):
    """One of the two. In the body, for addresses end in logs."""

    phone = serializers.CharField(max_length=40, required=False)
    email = serializers.CharField(max_length=254, required=False)

    def validate(self, attrs):
        """Ask for exactly one."""
        if len(attrs) != 1:
            raise serializers.ValidationError(
                _("Give either phone or email."), code="one_of"
            )
        return attrs
