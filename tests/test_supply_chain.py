"""What the service is made of and runs in: the bill of materials, the search for known weaknesses, the container."""

import json
import re
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tools.audit_deps import CLEAN, UNKNOWN, WEAK, audit
from tools.sbom import bill

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = (ROOT / "requirements.lock").read_text()
PINNED: Final = dict(re.findall(r"(?m)^([\w.-]+)==([^\s\\]+)", LOCK))


def test_the_bill_names_all_that_is_pinned_with_every_hash() -> None:
    components = bill(LOCK)["components"]
    pinned = {each["name"]: each["version"] for each in components if each["purl"].startswith("pkg:pypi/")}
    assert pinned == PINNED
    hashes = [each["content"] for component in components for each in component["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", LOCK))
    assert any(each["purl"].startswith("pkg:npm/swagger-ui-dist@") for each in components)


def test_the_service_needs_all_that_is_on_its_bill() -> None:
    made = bill(LOCK)
    needs = {each["ref"]: set(each["dependsOn"]) for each in made["dependencies"]}
    reached, ahead = set(), [made["metadata"]["component"]["bom-ref"]]
    while ahead:
        ref = ahead.pop()
        reached.add(ref)
        ahead += needs.get(ref, set()) - reached
    assert reached == {each["bom-ref"] for each in made["components"]} | {
        made["metadata"]["component"]["bom-ref"]
    }
    flask = next(ref for ref in needs if ref.startswith("pkg:pypi/flask@"))
    assert any(ref.startswith("pkg:pypi/werkzeug@") for ref in needs[flask])


def test_the_same_lock_gives_the_same_bill() -> None:
    assert bill(LOCK) == bill(LOCK)
    assert bill(LOCK)["serialNumber"] != bill(LOCK + "\n")["serialNumber"]


def asked(tmp_path: Path, said: str, code: int = 0) -> list[str]:
    """A stand-in of pip-audit that says this, whatever it is asked."""
    program = tmp_path / "pip_audit.py"
    program.write_text(
        f"import sys\nprint({said!r})\nprint('what went wrong', file=sys.stderr)\nsys.exit({code})\n"
    )
    return [sys.executable, str(program)]


def report(**package: Any) -> str:
    return json.dumps({"dependencies": [{"name": "flask", "version": "1.0", "vulns": [], **package}]})


def test_a_known_weakness_fails_the_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flaw = {"id": "PYSEC-1", "fix_versions": ["1.1"]}
    assert audit(asked(tmp_path, report(vulns=[flaw]), 1), strict=False) == WEAK
    assert "flask 1.0: PYSEC-1; mended in 1.1" in capsys.readouterr().out
    assert audit(asked(tmp_path, report()), strict=True) == CLEAN


@pytest.mark.parametrize(
    "said", ["", "not JSON", "{}", '{"dependencies": []}', report(skip_reason="no connection")]
)
def test_an_audit_that_could_ask_nobody_claims_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    assert audit(asked(tmp_path, said, 1), strict=False) == CLEAN
    told = capsys.readouterr()
    assert "IS NOT KNOWN" in told.err
    assert "weaknesses" not in told.out
    assert audit(asked(tmp_path, said, 1), strict=True) == UNKNOWN


def built() -> set[str]:
    """The targets that every build makes."""
    steps = (ROOT / ".ci" / "run").read_text().replace("\\\n", " ")
    return {target for line in re.findall(r"(?m)^make (.*)$", steps) for target in line.split()}


def test_every_build_audits_and_writes_the_bill() -> None:
    assert {"audit-deps", "sbom"} <= built()


def test_every_build_checks_all_that_a_change_must_hold_to() -> None:
    (check,) = re.findall(r"(?m)^check: (.*?) ##", (ROOT / "Makefile").read_text())
    assert set(check.split()) <= built()


def test_the_container_may_do_nothing_but_serve() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for service in services.values():
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.keys() & {"privileged", "cap_add", "volumes", "network_mode", "pid", "devices"}
        assert "verify-full" in service["environment"]["LEDGER_DATABASE_TLS"]
    assert services["ledger"]["ports"] == ["127.0.0.1:8000:8000"]
    steps = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"(?m)^USER (.*)$", steps) == ["10001:10001"]
    assert "--require-hashes --only-binary :all:" in steps
    assert not re.findall(r"(?mi)^(?:ENV|ARG) .*(?:password|secret|token|_key)", steps)
