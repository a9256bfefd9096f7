"""Asks pip-audit whether a known weakness is in what requirements.lock pins: ``python -m tools.audit_deps PIP-AUDIT``.

Ends with 1 where there is one. Where the advisory service cannot be reached nothing is known, and nothing is claimed:
it says so aloud and ends with 0, or with 2 when ``--strict`` is given, as a release has it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

LOCK: Final = "requirements.lock"
CLEAN, WEAK, UNKNOWN = 0, 1, 2


def audit(command: Sequence[str], *, strict: bool) -> int:
    """Run pip-audit by this command; the exit code."""
    asked = [
        *command,
        "--requirement",
        LOCK,
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    report = _report(done.stdout)
    if report is None:
        print(done.stderr[-2_000:], file=sys.stderr)
        print("=" * 100, file=sys.stderr)
        print(
            "THE ADVISORY SERVICE COULD NOT BE ASKED: whether the dependencies are sound IS NOT KNOWN.",
            file=sys.stderr,
        )
        print("=" * 100, file=sys.stderr)
        return UNKNOWN if strict else CLEAN
    weak = [(each["name"], each["version"], flaw) for each in report for flaw in each.get("vulns", [])]
    for name, version, flaw in weak:
        mended = ", ".join(flaw.get("fix_versions") or ["nowhere yet"])
        print(f"{name} {version}: {flaw['id']}; mended in {mended}")
    print(f"{len(report)} packages, {len(weak)} known weaknesses.")
    return WEAK if weak else CLEAN


def _report(said: str) -> list[dict[str, Any]] | None:
    """What pip-audit found of each package; None where it could not ask."""
    try:
        found: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    # A package that was not looked up has a reason in the place of its weaknesses.
    return found if found and not any("skip_reason" in each for each in found) else None


if __name__ == "__main__":
    given = [each for each in sys.argv[1:] if each != "--strict"]
    sys.exit(audit(given or ["pip-audit"], strict="--strict" in sys.argv))
