"""Finds messages of installed packages that no package translates into Chinese."""

from functools import cache
from pathlib import Path

from django.apps import apps
from django.utils import translation
from django.utils.translation import trans_real

from tests.language import scan
from tests.language.scan import ROOT, Message

LANGUAGE = "zh-hans"
#: Folders whose messages nobody can meet here, and why.
LEFT_OUT = {
    "allauth/idp": "the app is not installed",
    "drf_spectacular": "describes the API, which is documented in English",
}


def third_party() -> list[Path]:
    """Return the folders of the installed apps that are not of this repository."""
    folders = [Path(app.path) for app in apps.get_app_configs()]
    return [f for f in folders if "site-packages" in f.parts or ROOT not in f.parents]


@cache
def uncovered() -> dict[Message, str]:
    """Return what stays English unless our catalogue translates it."""
    covered = _catalogues_of_packages()
    found: dict[Message, str] = {}
    for folder in third_party():
        for message, where in scan.of_package(folder).items():
            left_out = where.startswith(tuple(LEFT_OUT))
            if not left_out and message not in covered:
                found.setdefault(message, where)
    return found


def uncovered_in_scripts() -> dict[Message, str]:
    """Return what scripts of the console say that Django does not translate."""
    covered = _catalogues_of_packages("djangojs")
    return {
        message: where
        for folder in third_party()
        for message, where in scan.in_scripts(folder / "static").items()
        if message not in covered
    }


class _Covered:
    """All Chinese that the packages bring, in one."""

    def __init__(self, catalogues: list[trans_real.DjangoTranslation]):
        self.catalogues = catalogues

    def __contains__(self, message: Message) -> bool:
        key = message.key.partition(scan.PLURAL_END)[0]
        return any(
            catalogue.get(key) or catalogue.get((key, 0))
            for catalogue in self.catalogues
        )


def _catalogues_of_packages(domain: str = "django") -> _Covered:
    django = Path(trans_real.__file__).parent.parent.parent / "conf"
    name = (
        Path("locale")
        / translation.to_locale(LANGUAGE)
        / "LC_MESSAGES"
        / f"{domain}.mo"
    )
    catalogues = []
    for folder in [django, *third_party()]:
        if (folder / name).exists():
            with (folder / name).open("rb") as compiled:
                catalogues.append(
                    trans_real.gettext_module.GNUTranslations(compiled)._catalog
                )
    return _Covered(catalogues)
