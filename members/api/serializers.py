"""What the members API takes and gives."""

from django.conf import settings
from rest_framework import serializers

from crm.shared.strict import StrictSerializer
from members.models import Consent, ConsentRequest, ConsentText, Member
from members.queries import avatar_id, profile_completeness
from members.rules.profile import (
    LONGEST_BIO,
    LONGEST_CITY,
    LONGEST_NAME,
    LONGEST_NICKNAME,
    MOST_INTERESTS,
)

_MOST_STATEMENTS = 20


class Profile(serializers.ModelSerializer):
    """A member as they see themselves: nothing is masked."""

    id = serializers.CharField(source="public_id", read_only=True)
    #: Changes with every picture; the picture itself is at ``/me/avatar``.
    avatar = serializers.SerializerMethodField()
    completeness = serializers.SerializerMethodField()

    class Meta:
        model = Member
        fields = [
            "id",
            "number",
            "state",
            "name",
            "nickname",
            "avatar",
            "phone",
            "email",
            "birthday",
            "gender",
            "region",
            "city",
            "occupation",
            "education",
            "interests",
            "bio",
            "language",
            "joined_at",
            "completeness",
        ]
        read_only_fields = fields

    def get_avatar(self, member: Member) -> str | None:
        """Return the id of the picture, if there is one."""
        return avatar_id(member_id=member.pk)

    def get_completeness(self, member: Member) -> int:
        """Return how much of the profile is filled in, in percent."""
        return profile_completeness(member)


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
    nickname = serializers.CharField(
        max_length=LONGEST_NICKNAME, required=False, allow_null=True, allow_blank=True
    )
    city = serializers.CharField(
        max_length=LONGEST_CITY, required=False, allow_null=True, allow_blank=True
    )
    occupation = serializers.ChoiceField(
        Member.Occupation.choices, required=False, allow_null=True, allow_blank=True
    )
    education = serializers.ChoiceField(
        Member.Education.choices, required=False, allow_null=True, allow_blank=True
    )
    interests = serializers.ListField(
        child=serializers.CharField(max_length=40),
        max_length=MOST_INTERESTS,
        required=False,
        allow_null=True,
    )
    bio = serializers.CharField(
        max_length=LONGEST_BIO, required=False, allow_null=True, allow_blank=True
    )

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
