"""Names in the language of the shop, and in English where somebody wrote one."""

from django.utils.translation import get_language


def in_request_language(name: str, name_en: str) -> str:
    """Return the English name to readers of English, if there is one."""
    if name_en and (get_language() or "en").startswith("en"):
        return name_en
    return name


class Bilingual:
    """Gives a model with ``name`` and ``name_en`` the name to show."""

    name: str
    name_en: str

    @property
    def label(self) -> str:
        """Return the name in the language of this request."""
        return in_request_language(self.name, self.name_en)
