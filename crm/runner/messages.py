"""Compiles translations (``.po`` to ``.mo``) without the gettext tools.

A machine with Python and make, and nothing else, can then run both languages.
``python -m crm.runner.messages`` compiles what is stale; ``--check`` only looks.
"""

import ast
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

from crm.runner.failures import CannotRun

_MAGIC = 0x950412DE
_CONTEXT_END = "\x04"  # as gettext itself joins context and message
_PLURAL_END = "\x00"


@dataclass
class _Entry:
    """One message while its lines are read."""

    context: str | None = None
    message: str | None = None
    plural: str | None = None
    texts: dict[int, str] = field(default_factory=dict)
    fuzzy: bool = False

    def add(self, catalogue: dict[str, str]) -> None:
        """Put a complete, translated and certain message into ``catalogue``."""
        if self.message is None or self.fuzzy and self.message:
            return
        key = self.message
        if self.context is not None:
            key = self.context + _CONTEXT_END + key
        if self.plural is not None:
            key += _PLURAL_END + self.plural
        text = _PLURAL_END.join(self.texts[n] for n in sorted(self.texts))
        if text.strip(_PLURAL_END):
            catalogue[key] = text


def read_po(text: str, *, name: str = "messages") -> dict[str, str]:
    """Read a catalogue; fuzzy, obsolete and empty messages are left out.

    Returns:
        Message to translation, joined the way a ``.mo`` file joins contexts and
        plurals. The header has the key ``""``.

    Raises:
        CannotRun: a line is not understood; the text names it.
    """
    catalogue: dict[str, str] = {}
    entry, target = _Entry(), ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        starts = line.startswith(("#", "msgctxt")) or (
            line.startswith("msgid ") and target != "msgctxt"
        )
        # The first line of the next message ends this one.
        if starts and target.startswith("msgstr"):
            entry.add(catalogue)
            entry, target = _Entry(), ""
        if line.startswith("#,") and "fuzzy" in line:
            entry.fuzzy = True
        if not line or line.startswith("#"):
            continue
        try:
            if not line.startswith('"'):
                target, _, line = line.partition(" ")
            _append(entry, target, ast.literal_eval(line.strip()))
        except (ValueError, SyntaxError, KeyError) as problem:
            raise CannotRun(
                f"{name}, line {number}: not understood: {raw}"
            ) from problem
    entry.add(catalogue)
    return catalogue


def _append(entry: _Entry, target: str, text: str) -> None:
    """Add a piece of text to the part of the message that ``target`` names."""
    if target == "msgctxt":
        entry.context = (entry.context or "") + text
    elif target == "msgid":
        entry.message = (entry.message or "") + text
    elif target == "msgid_plural":
        entry.plural = (entry.plural or "") + text
    elif target.startswith("msgstr"):
        index = int(target[7:-1]) if target != "msgstr" else 0
        entry.texts[index] = entry.texts.get(index, "") + text
    else:
        raise KeyError(target)


def write_mo(catalogue: dict[str, str]) -> bytes:
    """Return the binary form, as ``msgfmt --no-hash`` writes it."""
    pairs = sorted((k.encode(), v.encode()) for k, v in catalogue.items())
    keys_at = 28
    texts_at = keys_at + 8 * len(pairs)
    data_at = texts_at + 8 * len(pairs)
    tables: list[list[int]] = [[], []]
    data = b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += [len(pair[column]), data_at + len(data)]
            data += pair[column] + b"\x00"
    head = [_MAGIC, 0, len(pairs), keys_at, texts_at, 0, data_at]
    numbers = [*head, *tables[0], *tables[1]]
    return struct.pack(f"<{len(numbers)}I", *numbers) + data


def stale(repository: Path) -> list[Path]:
    """Return the ``.po`` files under ``locale`` whose ``.mo`` is absent or older."""
    return [
        po
        for po in sorted(repository.glob("locale/*/LC_MESSAGES/*.po"))
        if not po.with_suffix(".mo").exists()
        or po.with_suffix(".mo").stat().st_mtime < po.stat().st_mtime
    ]


def compile_stale(repository: Path) -> list[Path]:
    """Compile what is stale and return it.

    Raises:
        CannotRun: a catalogue cannot be read.
    """
    done = stale(repository)
    for po in done:
        binary = write_mo(read_po(po.read_text(encoding="utf-8"), name=str(po)))
        draft = po.with_suffix(".mo.tmp")
        draft.write_bytes(binary)
        draft.replace(po.with_suffix(".mo"))
    return done


def main(arguments: list[str]) -> int:
    """Compile, or with ``--check`` say what is stale; the exit code."""
    repository = Path(__file__).resolve().parent.parent.parent
    if "--check" in arguments:
        for po in stale(repository):
            print(f"{po} is newer than its .mo: run 'make messages'.")
        return 1 if stale(repository) else 0
    try:
        for po in compile_stale(repository):
            print(f"compiled {po.relative_to(repository)}")
    except CannotRun as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
