"""Reads and writes ``django.po``, and brings it up to date with the sources.

``python -m tests.language.catalogue`` adds new messages (to be translated by hand),
drops those that are gone and sorts the rest as the sources do. Unlike
``makemessages`` it needs no gettext tools, and it also knows what ``xgettext``
cannot see: docstrings of refusals, and messages of packages that bring no Chinese.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

import django

from tests import database
from tests.language import packages, scan
from tests.language.scan import ROOT, Message

PATH = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
HEADER = """\
# Simplified Chinese. "python -m tests.language.catalogue" keeps it in step with
# the sources, docs/glossary.md says which words to use.
msgid ""
msgstr ""
"Project-Id-Version: Regulars\\n"
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"""


@dataclass
class Catalogue:
    """What a ``.po`` file holds, with nothing left out."""

    texts: dict[Message, str] = field(default_factory=dict)
    fuzzy: list[Message] = field(default_factory=list)
    twice: list[Message] = field(default_factory=list)
    obsolete: int = 0


def read(path: Path = PATH) -> Catalogue:
    """Read a catalogue whose entries are set apart by empty lines."""
    found = Catalogue()
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        parts: dict[str, str] = {}
        target = ""
        for line in block.splitlines():
            if line.startswith("#~"):
                found.obsolete += line.startswith("#~ msgid ")
            elif line and not line.startswith("#"):
                if not line.startswith('"'):
                    target, _, line = line.partition(" ")
                parts[target] = parts.get(target, "") + ast.literal_eval(line)
        if parts.get("msgid"):
            message = Message(
                parts["msgid"], parts.get("msgid_plural", ""), parts.get("msgctxt", "")
            )
            if message in found.texts:
                found.twice.append(message)
            found.texts[message] = parts.get("msgstr", parts.get("msgstr[0]", ""))
            if re.search(r"^#,.*\bfuzzy\b", block, re.MULTILINE):
                found.fuzzy.append(message)
    return found


def write(texts: dict[Message, str], path: Path = PATH) -> None:
    """Write the messages in the order given."""
    entries = [HEADER] + [_entry(message, text) for message, text in texts.items()]
    path.write_text("\n".join(entries), encoding="utf-8")


def _entry(message: Message, text: str) -> str:
    lines = []
    if re.search(r"%(\(\w+\))?[-+0-9.]*[sdf]", message.text + message.plural):
        lines.append("#, python-format")
    if message.context:
        lines.append(f"msgctxt {_quoted(message.context)}")
    lines.append(f"msgid {_quoted(message.text)}")
    if message.plural:
        lines.append(f"msgid_plural {_quoted(message.plural)}")
    lines.append(f"msgstr{'[0]' if message.plural else ''} {_quoted(text)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def wanted() -> dict[Message, str]:
    """Return all messages that the catalogue must hold, with where they are from."""
    needed = scan.ours()
    for message, where in packages.uncovered().items():
        needed.setdefault(message, where)
    return needed


def main() -> None:
    """Bring the catalogue up to date and say what is left to translate."""
    database.prepare_environment()
    django.setup()
    known = read().texts if PATH.exists() else {}
    texts = {message: known.get(message, "") for message in wanted()}
    write(texts)
    for message, text in texts.items():
        if not text:
            print(f"to translate: {message.text!r}")
    for message in known.keys() - texts.keys():
        print(f"dropped: {message.text!r}")


if __name__ == "__main__":
    main()
