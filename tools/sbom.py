"""Writes the software bill of materials as CycloneDX 1.6 in JSON: all that the image holds besides the service itself.

It says what requirements.lock says (names, versions, hashes, who needs what) and what is vendored; nothing is looked
up, so the same lock gives the same bill: ``python -m tools.sbom > build/sbom.cdx.json``.
"""

import json
import re
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import ledger

ROOT: Final = Path(__file__).resolve().parents[1]
NAME: Final = "loyalty-ledger"
_PINNED: Final = re.compile(
    r"(?m)^([A-Za-z0-9._-]+)==([^\s\\]+)((?:[ \t]*\\?\n[ \t]+--hash=\S+)+)((?:\n[ \t]+#.*)*)"
)


def bill(lock: str) -> dict[str, Any]:
    """The bill of a lock file."""
    found = _PINNED.findall(lock)
    refs = {name: f"pkg:pypi/{name}@{version}" for name, version, _, _ in found}
    root = f"pkg:pypi/{NAME}@{ledger.__version__}"
    needs: dict[str, set[str]] = {ref: set() for ref in (root, *refs.values())}
    for name, _, _, comment in found:
        for by in _wanted_by(comment):
            needs[refs.get(by, root)].add(refs[name])
    vendored = _swagger_ui()
    needs[root].add(vendored["bom-ref"])
    components = [_component(refs[name], name, version, hashes) for name, version, hashes, _ in found]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, root + lock)}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": root, "name": NAME, "version": ledger.__version__}
        },
        "components": [*components, vendored],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needs[ref])} for ref in sorted(needs)],
    }


def _wanted_by(comment: str) -> list[str]:
    """Who needs it, by pip-compile's remark; what the service itself or its building needs is the service's."""
    said = [line.strip().lstrip("# ").removeprefix("via").split() for line in comment.splitlines()]
    return [words[0] for words in said if words]


def _component(ref: str, name: str, version: str, hashes: str) -> dict[str, Any]:
    digests = sorted(re.findall(r"sha256:([0-9a-f]{64})", hashes))
    return {
        "type": "library",
        "bom-ref": ref,
        "name": name,
        "version": version,
        "purl": ref,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
    }


def _swagger_ui() -> dict[str, Any]:
    folder = ROOT / "ledger" / "http" / "static" / "vendor" / "swagger-ui"
    name, version = (folder / "VERSION").read_text().partition(",")[0].split()
    ref = f"pkg:npm/{name}@{version}"
    return _component(ref, name, version, "")


if __name__ == "__main__":
    print(json.dumps(bill((ROOT / "requirements.lock").read_text()), indent=1))
