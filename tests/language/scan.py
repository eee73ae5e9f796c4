"""Finds every message people can see, in Python, in templates and in refusals.

Reads the sources itself, so that no gettext tool has to be installed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent.parent
APPS = ("crm", "members", "orders", "loyalty", "recommendations", "campaigns")
CONTEXT_END = "\x04"  # as gettext joins context and message
PLURAL_END = "\x00"

#: Function name: positions of context, message and plural among its arguments.
_MARKERS = {
    "gettext": (None, 0, None),
    "gettext_lazy": (None, 0, None),
    "gettext_noop": (None, 0, None),
    "_": (None, 0, None),
    "ngettext": (None, 0, 1),
    "ngettext_lazy": (None, 0, 1),
    "pgettext": (0, 1, None),
    "pgettext_lazy": (0, 1, None),
    "npgettext": (0, 1, 2),
    "npgettext_lazy": (0, 1, 2),
}
_IN_TEMPLATE = re.compile(
    r"\b(n?p?gettext|_)\(\s*"
    r"(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))"
    r"(?:,\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")))?"
    r"(?:,\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")))?"
)


@dataclass(frozen=True, order=True)
class Message:
    """One message of the sources: what a catalogue must translate."""

    text: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> str:
        """The key in a compiled catalogue."""
        key = self.text if not self.context else self.context + CONTEXT_END + self.text
        return key + PLURAL_END + self.plural if self.plural else key


def ours() -> dict[Message, str]:
    """Return the messages of this repository with the first file of each."""
    found: dict[Message, str] = {}
    for app in APPS:
        for path in _files(ROOT / app):
            for message in in_file(path):
                found.setdefault(message, str(path.relative_to(ROOT)))
    for path in _files(ROOT / "templates"):
        for message in in_file(path):
            found.setdefault(message, str(path.relative_to(ROOT)))
    for message, where in refusals().items():
        found.setdefault(message, where)
    return found


def of_package(folder: Path) -> dict[Message, str]:
    """Return the messages of an installed package with the first file of each."""
    found: dict[Message, str] = {}
    for path in _files(folder):
        for message in in_file(path):
            found.setdefault(message, str(path.relative_to(folder.parent)))
    return found


def in_file(path: Path) -> list[Message]:
    """Return the messages of one Python file or template, in order."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return list(_in_python(ast.parse(text)))
    return list(_in_template(text))


def _files(folder: Path) -> Iterator[Path]:
    left_out = {"tests", "migrations", "node_modules", "locale", "static"}
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".html", ".txt"} and not left_out & set(
            path.relative_to(folder).parts
        ):
            yield path


# --- Python -------------------------------------------------------------------


def _in_python(tree: ast.AST) -> Iterator[Message]:
    aliases = _aliases(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        places = _MARKERS.get(aliases.get(name, name))
        if places is None:
            continue
        parts = [_constant(call, place) for place in places]
        if parts[1]:
            yield Message(parts[1], plural=parts[2] or "", context=parts[0] or "")


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Return local names of gettext functions, such as ``_n`` for ``ngettext``."""
    return {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and alias.name in _MARKERS
    }


def _constant(call: ast.Call, place: int | None) -> str | None:
    if place is None or place >= len(call.args):
        return None
    value = getattr(call.args[place], "value", None)
    return value if isinstance(value, str) else None


# --- Templates ----------------------------------------------------------------


def _in_template(text: str) -> Iterator[Message]:
    for name, *literals in _IN_TEMPLATE.findall(templatize(text)):
        parts = [ast.literal_eval(literal) if literal else "" for literal in literals]
        context, message, plural = (
            parts[place] if place is not None else "" for place in _MARKERS[name]
        )
        if message:
            # In a template, the doubled percent sign of a plain tag stays doubled.
            yield Message(message, plural=plural, context=context)


# --- Scripts ------------------------------------------------------------------

_IN_SCRIPT = re.compile(
    r"\bn?gettext\(\s*('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"(?:,\s*('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))?"
)


def in_scripts(folder: Path) -> dict[Message, str]:
    """Return the messages of the scripts of a package, foreign libraries left out."""
    found: dict[Message, str] = {}
    for path in sorted(folder.rglob("*.js")):
        if "vendor" not in path.parts:
            for text, plural in _IN_SCRIPT.findall(path.read_text(encoding="utf-8")):
                message = Message(
                    ast.literal_eval(text), ast.literal_eval(plural) if plural else ""
                )
                found.setdefault(message, path.name)
    return found


# --- Refusals -----------------------------------------------------------------


def refusals() -> dict[Message, str]:
    """Return messages that are docstrings: what ``Refusal.__str__`` translates."""
    classes: dict[str, tuple[ast.ClassDef, str]] = {}
    for app in APPS:
        for path in _files(ROOT / app):
            if path.suffix != ".py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    classes[node.name] = (node, str(path.relative_to(ROOT)))
    found: dict[Message, str] = {}
    for name, (node, where) in classes.items():
        if _is_refusal(name, classes) and not _speaks_otherwise(name, classes):
            lines = (ast.get_docstring(node) or "").splitlines()
            if lines and lines[0]:
                found.setdefault(Message(lines[0].strip()), where)
    return found


def _bases(name: str, classes: dict[str, tuple[ast.ClassDef, str]]) -> list[str]:
    if name not in classes:
        return []
    return [
        getattr(base, "id", getattr(base, "attr", ""))
        for base in classes[name][0].bases
    ]


def _is_refusal(name: str, classes: dict[str, tuple[ast.ClassDef, str]]) -> bool:
    return name == "Refusal" or any(
        _is_refusal(base, classes) for base in _bases(name, classes)
    )


def _speaks_otherwise(name: str, classes: dict[str, tuple[ast.ClassDef, str]]) -> bool:
    """Say whether a ``message`` or a ``__str__`` takes the docstring's place."""
    if name == "Refusal" or name not in classes:
        return False
    own = set()
    for statement in classes[name][0].body:
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        own |= {getattr(target, "id", "") for target in targets}
        own.add(getattr(statement, "name", ""))
    return bool(own & {"message", "__str__"}) or any(
        _speaks_otherwise(base, classes) for base in _bases(name, classes)
    )
