"""``ledger report`` prints what HTTP answers, byte for byte."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.cli import main
from tests.conftest import Cluster
from tests.whole_service import Tenant, WholeService, open_service, with_history

UNTIL = "2026-11-01T00:00:00Z"


@pytest.fixture(scope="module")
def service(cluster: Cluster, template: str) -> Iterator[WholeService]:
    with open_service(cluster, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(service: WholeService) -> Tenant:
    return with_history(service.tenant("shop"))


@pytest.fixture
def tenant(service: WholeService, shop: Tenant, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    monkeypatch.setenv("LEDGER_DATABASE_URL", cluster.owner_url(service.database))
    return shop


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", "--program", "shop", *arguments])


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        (["trial-balance", "--as-of", UNTIL, "--known-as-of", UNTIL], f"as_of={UNTIL}&known_as_of={UNTIL}"),
        (["points-roll-forward", "--to", UNTIL, "--by", "store"], f"to={UNTIL}&by=store"),
        (["points-roll-forward", "--to", UNTIL, "--member-id", "m-1"], f"to={UNTIL}&member_id=m-1"),
        (["ageing", "--as-of", UNTIL], f"as_of={UNTIL}"),
        (["issuance", "--from", UNTIL, "--to", UNTIL], f"from={UNTIL}&to={UNTIL}"),
        (["late-entries", "--to", UNTIL, "--limit", "7"], f"to={UNTIL}&limit=7"),
        (["manual-entries", "--to", UNTIL], f"to={UNTIL}"),
        (["redemption-rate", "--to", UNTIL, "--basis", "gross"], f"to={UNTIL}&basis=gross"),
        (
            ["redemption-rate", "--to", UNTIL, "--definition", "cohort", "--as-of", UNTIL],
            f"to={UNTIL}&definition=cohort&as_of={UNTIL}",
        ),
    ],
)
def test_command_prints_what_http_answers(tenant: Tenant, arguments: list[str], query: str) -> None:
    known = {} if "known_as_of" in query or "entries" in arguments[0] else {"known_as_of": UNTIL}
    arguments = [*arguments, *(["--known-as-of", UNTIL] if known else [])]
    query = "&".join([query, *(f"{name}={value}" for name, value in known.items())])
    for form, content_type in (("json", "application/json"), ("csv", "text/csv; charset=utf-8")):
        place = "metrics" if arguments[0] == "redemption-rate" else "reports"
        answer = tenant.send("GET", f"/v1/{place}/{arguments[0]}?{query}&format={form}", role="finance")
        assert (answer.status_code, answer.content_type) == (200, content_type)
        printed = report(*arguments, "--format", form)
        assert (printed.exit_code, printed.stdout_bytes) == (0, answer.data)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ageing", "--by", "store"], "--by is not asked of ageing"),
        (["trial-balance", "--from", UNTIL], "--from is not asked of trial-balance"),
        (["points-roll-forward", "--by", "colour"], "'colour' is not one of"),
        (
            ["points-roll-forward", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"],
            "to: must not",
        ),
        (["ageing", "--as-of", "9000-01-01T00:00:00Z"], "as_of: must not be later than the present"),
        (["ageing", "--as-of", "yesterday"], "must be an RFC 3339 time"),
        (["ageing", "--program", "nobody"], "There is no program 'nobody'"),
        (["nothing"], "'nothing' is not one of"),
    ],
)
def test_what_is_not_asked_of_a_report_is_refused(tenant: Tenant, arguments: list[str], told: str) -> None:
    result = report(*arguments)
    assert result.exit_code != 0
    assert told in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("points-roll-forward?by=colour", "by"),
        ("../metrics/redemption-rate?definition=lucky", "definition"),
        ("../metrics/redemption-rate?basis=netto", "basis"),
        ("points-roll-forward?format=xml", "format"),
        ("points-roll-forward?by=store&member_id=m-1", "by"),
        ("ageing?by=store", "by"),
        ("late-entries?limit=0", "limit"),
        ("manual-entries?known_as_of=2026-01-01T00:00:00Z", "known_as_of"),
    ],
)
def test_refusals_over_http_name_the_field_and_are_problems_whatever_the_format(
    tenant: Tenant, path: str, field: str
) -> None:
    for suffix in ("", "" if "format" in path else "&format=csv"):
        address = f"/v1/reports/{path}{suffix}".replace("/reports/../", "/")
        answer = tenant.send("GET", address, role="finance")
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
        assert answer.json["errors"][0]["field"] == field


@pytest.mark.parametrize("path", ["reports/ageing", "metrics/redemption-rate", "reports/manual-entries"])
def test_reports_are_for_finance(tenant: Tenant, path: str) -> None:
    assert tenant.send("GET", f"/v1/{path}", role="pos").status_code == 403
    assert tenant.send("GET", f"/v1/{path}", role="finance").status_code == 200


@pytest.mark.parametrize(
    "alerts",
    [
        {"redemption_low": "1.5"},
        {"redemption_low": 0.15},
        {"minimum_sample": 0},
        {"window_days": 0},
        {"window_days": 367},
        {"liability_ceiling": -1},
        {"issuance_ceiling": "many"},
        {"colour": 1},
    ],
)
def test_thresholds_that_mean_nothing_are_refused_by_name(tenant: Tenant, alerts: dict[str, Any]) -> None:
    terms = tenant.program.terms_object()
    answer = tenant.send("PUT", "/v1/program/terms", json={**terms, "alerts": alerts})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == [f"alerts.{name}" for name in alerts]


def test_thresholds_are_kept_with_the_terms(service: WholeService) -> None:
    tenant = service.tenant("watched")
    alerts = {
        "redemption_low": "0.10",
        "minimum_sample": 5,
        "window_days": 7,
        "liability_ceiling": 100,
        "issuance_ceiling": None,
    }
    answer = tenant.send("PUT", "/v1/program/terms", json={**tenant.program.terms_object(), "alerts": alerts})
    assert answer.status_code == 200, answer.data
    assert tenant.send("GET", "/v1/program").json["terms"]["alerts"] == alerts
