"""The two READMEs tell the same, and what they name is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def shape(name: str) -> list[tuple[str, int]]:
    """Return each heading's level with the number of table rows under it."""
    parts: list[tuple[str, int]] = []
    for line in text_of(name).splitlines():
        if line.startswith("#"):
            parts.append((line.split()[0], 0))
        elif line.startswith("|"):
            level, rows = parts[-1]
            parts[-1] = (level, rows + 1)
    return parts


def test_both_have_the_same_headings_and_tables():
    assert shape(ENGLISH) == shape(CHINESE)


def figures(name: str) -> list[list[str]]:
    """Return the numbers of every row of every table."""
    rows = [line for line in text_of(name).splitlines() if line.startswith("|")]
    return [re.findall(r"\d[\d.,]*\d|\d", row) for row in rows]


def test_both_say_the_same_figures():
    differ = [
        (ours, theirs)
        for ours, theirs in zip(figures(ENGLISH), figures(CHINESE), strict=True)
        if sorted(ours) != sorted(theirs)
    ]
    assert differ == []


def test_both_name_the_same_commands():
    commands = [
        [line.split("#")[0].strip() for line in block.splitlines()]
        for block in re.findall(r"```sh\n(.*?)```", text_of(ENGLISH), re.S)
    ]
    translated = [
        [line.split("#")[0].strip() for line in block.splitlines()]
        for block in re.findall(r"```sh\n(.*?)```", text_of(CHINESE), re.S)
    ]
    assert commands == translated


def test_every_link_and_picture_is_there():
    for name in (ENGLISH, CHINESE, "docs/map.md"):
        here = (ROOT / name).parent
        for target in re.findall(r"\]\(([^)#]+)\)", text_of(name)):
            if not target.startswith("http"):
                assert (here / target).exists(), f"{name}: {target}"
