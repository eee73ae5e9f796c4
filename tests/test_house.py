"""The house rules that a machine can keep. Plain ``ast``; nothing is imported but plugs."""

import ast
import re
from pathlib import Path

import pytest
from django.utils.module_loading import import_string

from crm import wiring

ROOT = Path(__file__).resolve().parent.parent
APPS = ["crm", "members", "orders", "loyalty", "campaigns", "recommendations"]
MODULES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if "migrations" not in path.parts
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MOST_MODULE_LINES = 400
MOST_FUNCTION_LINES = 60
ATTICS = {"utils", "helpers", "common", "misc"}
GIVEN = {
    *("manage.py", "requirements.txt", "requirements-dev.txt", "pyproject.toml"),
    *("Makefile", "compose.yaml", "Dockerfile", ".env.example", ".gitignore"),
    *("README.md", "README.zh-CN.md", ".dockerignore", "LICENSE"),
    *("crm", "members", "loyalty", "campaigns", "orders", "recommendations"),
    *("templates", "tests", "docs", "benchmarks", "locale", "static", ".ci"),
    # Made by running; never committed.
    *(".git", ".venv", "var", ".env", "staticfiles", ".hypothesis", ".pytest_cache"),
    *(".ruff_cache", ".mypy_cache", ".import_linter_cache", "__pycache__"),
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.Module):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def service_modules():
    return [path for path in MODULES if "services" in path.parts]


def public_verbs(path: Path):
    return [
        node
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_can_be_held_in_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_MODULE_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions(tree_of(path))
        if node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_import_hides_inside_a_function(path):
    hidden = [
        f"line {node.lineno}"
        for function in functions(tree_of(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not hidden


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_attics(path):
    assert not ATTICS & {part.removesuffix(".py") for part in path.parts}


@pytest.mark.parametrize("path", service_modules(), ids=name_of)
def test_services_are_told_the_time(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"timezone\.now\(|datetime\.now\(|clock\.now\(", text)


@pytest.mark.parametrize("path", service_modules(), ids=name_of)
def test_services_are_documented_and_called_by_keyword(path):
    for verb in public_verbs(path):
        assert ast.get_docstring(verb), verb.name
        positional = verb.args.posonlyargs + verb.args.args
        # One request value may come without its name; two are a riddle.
        assert len(positional) <= 1, f"{verb.name} takes {len(positional)} by position"


def test_every_plug_fits():
    plugs = [path for paths in wiring.SUBSCRIBERS.values() for path in paths]
    plugs += [*wiring.OFFER_SOURCES, *wiring.CHANNELS.values(), *wiring.JOBS.values()]
    plugs += [*wiring.DAILY_WORK, *wiring.MERGERS, *wiring.PRICE_AUDIENCES]
    plugs += [*wiring.PAYMENT_PROVIDERS.values(), *wiring.PERSONAL_DATA]
    plugs += [*wiring.INSTRUMENT_VERIFIERS.values(), *wiring.APPROVALS.values()]
    plugs += [*wiring.REFUND_EFFECTS, *wiring.STORED_OFFERS.values()]
    plugs += [wiring.REFUND_MESSAGE]
    for plug in plugs:
        assert callable(import_string(plug)), plug


def test_every_fact_with_a_subscriber_is_published_by_its_app():
    published = set()
    for path in MODULES:
        if path.name == "events.py":
            published |= set(re.findall(r'= "(\w+\.\w+)"', path.read_text()))
    assert set(wiring.SUBSCRIBERS) <= published


def test_no_seventh_app_at_the_top():
    here = {path.name for path in ROOT.iterdir()}
    assert here <= GIVEN, here - GIVEN


def test_money_is_never_a_float():
    floats = [
        f"{name_of(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"FloatField|float\(", line) and "minor" in line
    ]
    assert not floats


def test_the_repository_names_no_machine():
    words = re.compile(r"/work/|/root/|/home/\w|/tmp/brief", re.IGNORECASE)
    texts = [
        path
        for suffix in ("*.py", "*.md", "*.toml", "*.html", "*.yaml", "Makefile")
        for path in ROOT.rglob(suffix)
        if not {".venv", "var", ".git", "node_modules"} & set(path.parts)
        and path != Path(__file__)
    ]
    assert [name_of(p) for p in texts if words.search(p.read_text("utf-8"))] == []
