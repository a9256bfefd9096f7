"""Rules of the edge: who may import routes and schemas, which the import contracts leave out."""

import ast
from collections.abc import Iterator

from .reading import Source, sources

MAY_IMPORT_SCHEMAS = ("routes.py", "schemas.py", "ledger/app.py")


def test_only_the_app_imports_routes() -> None:
    files = sources("ledger/", without=("ledger/app.py",))
    assert not [f"{file.path} imports {name}" for file in files for name in imported(file, "routes")]


def test_only_the_edge_imports_schemas() -> None:
    files = [
        file
        for file in sources("ledger/", without=("ledger/http/",))
        if not file.path.endswith(MAY_IMPORT_SCHEMAS)
    ]
    assert not [f"{file.path} imports {name}" for file in files for name in imported(file, "schemas")]


def imported(file: Source, last: str) -> Iterator[str]:
    """The modules called `last`, in whatever package, that the file imports."""
    for node in ast.walk(file.tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.startswith("ledger.") and name.endswith(f".{last}"))
