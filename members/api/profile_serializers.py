"""What the API takes and gives of addresses, pictures and custom attributes."""

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.shared.strict import StrictSerializer
from members.models import Address, AttributeDefinition, AttributeValue

_MOST_VALUES = 50


class AddressShape(serializers.ModelSerializer):
    """An address as its member sees it."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = Address
        fields = [
            "id",
            "label",
            "recipient",
            "phone",
            "country",
            "province",
            "city",
            "district",
            "street",
            "postcode",
            "is_default",
        ]
        read_only_fields = fields


class AddressList(serializers.Serializer):
    """All addresses of a member, the default first."""

    data = AddressShape(many=True)


def _line(name: str, **more) -> serializers.CharField:
    longest = Address._meta.get_field(name).max_length
    return serializers.CharField(max_length=longest, **more)


_CLEARED = {"required": False, "allow_null": True, "allow_blank": True}


class AddressRequest(StrictSerializer):
    """A new address."""

    recipient = _line("recipient")
    street = _line("street")
    country = serializers.RegexField(r"^[A-Z]{2}\Z", required=False)
    label = _line("label", **_CLEARED)
    phone = serializers.CharField(max_length=40, **_CLEARED)
    province = _line("province", **_CLEARED)
    city = _line("city", **_CLEARED)
    district = _line("district", **_CLEARED)
    postcode = _line("postcode", **_CLEARED)
    is_default = serializers.BooleanField(default=False)


class AddressPatch(StrictSerializer):
    """A merge patch (RFC 7396): what is absent stays, null clears.

    ``is_default`` can be set only: the default moves by naming another one.
    """

    recipient = _line("recipient", required=False)
    street = _line("street", required=False)
    country = serializers.RegexField(r"^[A-Z]{2}\Z", required=False)
    label = _line("label", **_CLEARED)
    phone = serializers.CharField(max_length=40, **_CLEARED)
    province = _line("province", **_CLEARED)
    city = _line("city", **_CLEARED)
    district = _line("district", **_CLEARED)
    postcode = _line("postcode", **_CLEARED)
    is_default = serializers.BooleanField(default=False)


class WordShape(serializers.Serializer):
    """A code and what it is called in the language asked for."""

    code = serializers.CharField()
    label = serializers.CharField()


class WordList(serializers.Serializer):
    """A vocabulary."""

    data = WordShape(many=True)


@extend_schema_field(OpenApiTypes.ANY)
class AnyValue(serializers.JSONField):
    """Text, a number (as text), a date, yes or no, a code, a list of codes, or null."""


class AttributeShape(serializers.Serializer):
    """A custom attribute and what the shop keeps under it."""

    code = serializers.CharField()
    label = serializers.CharField()
    kind = serializers.ChoiceField(AttributeDefinition.Kind.choices)
    purpose = serializers.CharField()
    options = WordShape(many=True)
    value = AnyValue(allow_null=True)
    source = serializers.CharField(allow_null=True)
    collected_at = serializers.DateTimeField(allow_null=True)


class AttributeList(serializers.Serializer):
    """All attributes the member may write."""

    data = AttributeShape(many=True)


class AttributesPatch(StrictSerializer):
    """Values by code; null forgets one."""

    values = serializers.DictField(
        child=AnyValue(allow_null=True), allow_empty=False, help_text="Code to value."
    )

    def validate_values(self, values: dict) -> dict:
        """Refuse more than a form can have."""
        if len(values) > _MOST_VALUES:
            message = _("No more than %(most)s values at once.")
            raise serializers.ValidationError(
                message % {"most": _MOST_VALUES}, code="max_length"
            )
        return values


def attribute_shape(
    definition: AttributeDefinition, kept: AttributeValue | None
) -> dict:
    """Return an attribute as the API writes it."""
    return {
        "code": definition.code,
        "label": definition.label,
        "kind": definition.kind,
        "purpose": definition.purpose,
        "options": [
            {"code": option.code, "label": option.label}
            for option in definition.options.all()
        ],
        "value": kept.value if kept else None,
        "source": kept.source if kept else None,
        "collected_at": kept.collected_at if kept else None,
    }
