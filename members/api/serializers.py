"""What the members API takes and gives."""

from django.conf import settings
from rest_framework import serializers

from crm.shared.strict import StrictSerializer
from members.models import Consent, ConsentRequest, ConsentText, Member
from members.rules.profile import LONGEST_NAME

_MOST_STATEMENTS = 20


class Profile(serializers.ModelSerializer):
    """A member as they see themselves: nothing is masked."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Member
        fields = [
            "id",
            "number",
            "state",
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


class ProfilePatch(StrictSerializer):
    """A merge patch (RFC 7396): what is absent stays, null clears."""

    name = serializers.CharField(
        max_length=LONGEST_NAME, required=False, allow_null=True, allow_blank=True
    )
    phone = serializers.CharField(
        max_length=40, required=False, allow_null=True, allow_blank=True
    )
    birthday = serializers.DateField(required=False, allow_null=True)
    gender = serializers.ChoiceField(
        Member.Gender.choices, required=False, allow_null=True, allow_blank=True
    )
    region = serializers.CharField(
        max_length=60, required=False, allow_null=True, allow_blank=True
    )
    language = serializers.ChoiceField(settings.LANGUAGES, required=False)

    def validate_birthday(self, value):
        """Hand the day on as text, as it is kept."""
        return value.isoformat() if value else None


class ConsentShape(serializers.ModelSerializer):
    """What holds now for one purpose and channel."""

    class Meta:
        model = Consent
        fields = ["purpose", "channel", "granted", "text_version", "occurred_at"]
        read_only_fields = fields


class WaitingConsent(serializers.ModelSerializer):
    """A yes that counts once the link that was sent is followed."""

    class Meta:
        model = ConsentRequest
        fields = ["purpose", "channel", "text_version", "requested_at", "expires_at"]
        read_only_fields = fields


class ConsentList(serializers.Serializer):
    """All that holds now, and what waits for its second step."""

    data = ConsentShape(many=True)
    waiting = WaitingConsent(many=True)


class ConsentTextShape(serializers.ModelSerializer):
    """What is asked with now."""

    class Meta:
        model = ConsentText
        fields = ["purpose", "version", "language", "body", "published_at"]
        read_only_fields = fields


class ConsentTextList(serializers.Serializer):
    """One text for each purpose that has one."""

    data = ConsentTextShape(many=True)


class InvitationShape(serializers.Serializer):
    """The code a member invites with, and how many joined with it."""

    code = serializers.CharField()
    accepted = serializers.IntegerField()


class StatementShape(StrictSerializer):
    """Yes or no to one purpose by one channel."""

    purpose = serializers.ChoiceField(Consent.Purpose.choices)
    channel = serializers.ChoiceField(Consent.Channel.choices)
    granted = serializers.BooleanField()


class Statements(StrictSerializer):
    """What a member says, and the version of the text they saw."""

    text_version = serializers.CharField(max_length=40)
    consents = StatementShape(many=True, allow_empty=False, max_length=_MOST_STATEMENTS)
