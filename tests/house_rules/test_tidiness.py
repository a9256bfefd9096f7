"""Rules of the tree itself: sizes, names, docstrings, white space, and nothing of any one machine."""

import ast
import configparser
import re
from pathlib import PurePosixPath

import pytest

from .reading import ROOT, sources, tracked_files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
SAY_NOTHING = {"data", "info", "helper", "helpers", "manager", "util", "utils", "misc", "common"}
BINARY = (".gz", ".ico", ".parquet", ".png", ".woff2")

# Home folders and working folders of whoever wrote a line, and temporary ones with a name in them.
PATHS = re.compile(
    r"(?<![\w.$}])/(work|farm|root|Users|mnt)/[a-z.]|(?<![\w.$}])/home/[a-z]|/tmp/(venv|plan)\b"
)

# Hosts that a file may name: this one, those reserved for examples, and where standards stand.
HOSTS = re.compile(
    r"https?://(?!localhost\b|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|[\w.-]*\bexample(\.(com|org|net))?\b|"
    r"[\w.-]+\.(invalid|test|example)\b|www\.rfc-editor\.org|datatracker\.ietf\.org|json-schema\.org|"
    r"spec\.openapis\.org|www\.w3\.org|www\.apache\.org|www\.postgresql\.org|keepachangelog\.com|semver\.org|[{%$<])",
)


def text_files() -> list[str]:
    return [path for path in tracked_files() if not path.endswith(BINARY)]


@pytest.mark.parametrize("path", text_files())
def test_file_is_tidy_and_names_no_machine(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    lines = text.split("\n")
    assert "\r" not in text
    assert not text or text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not [number for number, line in enumerate(lines, 1) if line != line.rstrip()]
    if not path.startswith("tests/house_rules/"):
        assert not [match.group() for match in PATHS.finditer(text)]
        assert not [text[match.start() : match.end() + 40] for match in HOSTS.finditer(text)]


@pytest.mark.parametrize("path", [path for path in tracked_files() if path.endswith((".lock", ".cfg"))])
def test_pinned_files_name_no_registry(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert not re.findall(r"(?i)\w+://|--(?:extra-)?index-url|--find-links|--trusted-host", text)


def test_every_module_says_what_lives_in_it() -> None:
    files = sources("ledger/", "migrations/", "tests/", "benchmarks/", "tools/")
    assert not [file.path for file in files if file.text.strip() and not ast.get_docstring(file.tree)]


def test_no_module_holds_two_ideas() -> None:
    files = sources("ledger/")
    assert not [file.path for file in files if file.text.count("\n") > FILE_LINES_MAX]


def test_no_function_is_too_long_to_read_at_once() -> None:
    found = [
        f"{file.where(node)} {node.name}"
        for file in sources("ledger/", "benchmarks/", "tools/")
        for node in ast.walk(file.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not found


def test_no_module_has_a_name_that_says_nothing() -> None:
    paths = [PurePosixPath(path) for path in tracked_files() if path.endswith(".py")]
    assert not [path for path in paths if SAY_NOTHING & {path.stem, *path.parts[:-1]}]


def test_tests_wait_for_facts_and_never_for_time() -> None:
    found = [
        file.where(node)
        for file in sources("tests/")
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    ]
    assert not found


def test_every_package_is_installed() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    folders = {PurePosixPath(path).parent for path in tracked_files() if path.endswith(".py")}
    there = {str(folder).replace("/", ".") for folder in folders if folder.parts[:1] == ("ledger",)}
    there |= {
        "ledger." + str(folder).replace("/", ".") for folder in folders if folder.parts[:1] == ("migrations",)
    }
    assert listed == there


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("requirements.lock", ()), ("requirements-dev.lock", ("embedded", "demo", "test", "dev"))],
)
def test_lock_pins_what_setup_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"].split("\n")
    wanted += [line for extra in extras for line in setup["options.extras_require"][extra].split("\n")]
    pinned = set(re.findall(r"(?m)^([\w.-]+)==", (ROOT / lock).read_text(encoding="utf-8")))
    names = {re.split(r"[\[<>=~! ]", line, maxsplit=1)[0] for line in wanted if line}
    assert not names - pinned, "run `make lock`"
