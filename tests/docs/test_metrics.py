"""The operators' page names every metric that there is, as it is, and its rules ask for no other."""

import re
from typing import Any

import yaml
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ledger.db import Database
from ledger.finance.metrics.business import FIGURES
from ledger.finance.metrics.figures import PROGRAM
from ledger.finance.metrics.page import Page
from ledger.http.meters import Meters
from ledger.journal import Outcome
from tests.docs.pages import text_of
from tests.till import START, open_till

PAGE = text_of("docs/operators.md").partition("\n## Metrics\n")[2].partition("\n## ")[0]


def exposed(database: Database) -> dict[str, Metric]:
    """Every family of a page on which each has something to show, by the name of its samples."""
    meters = Meters()
    meters.answered("GET", "/livez", 200, 100_000_000)
    meters.posted("redemption", Outcome({}, None, ""))
    meters.refused("forbidden")
    page = Page(meters, database, START).render().decode()
    return {_name(family): family for family in text_string_to_metric_families(page)}


def _name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_every_metric_is_told_with_its_type_and_labels(fresh_database: Any) -> None:
    rows = re.findall(r"(?m)^\| `(ledger_\w+)` \| (\w+) \| ([^|]+) \|", PAGE)
    told = {
        name: (kind, set(re.findall(r"`(\w+)`", labels.partition("(")[0] + labels.partition(")")[2])))
        for name, kind, labels in rows
    }
    with open_till(fresh_database.app_url) as till:
        found = exposed(till.database)
    labels = {"le"}
    is_so = {
        name: (family.type, {label for sample in family.samples for label in sample.labels} - labels)
        for name, family in found.items()
    }
    for name, declared in FIGURES.items():
        is_so[name] = ("gauge", {PROGRAM, *declared.labels})
    assert told == is_so


def test_rules_ask_for_metrics_that_there_are(fresh_database: Any) -> None:
    (block,) = re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE)
    (group,) = yaml.safe_load(block)["groups"]
    with open_till(fresh_database.app_url) as till:
        names = exposed(till.database).keys() | FIGURES.keys()
    assert len(group["rules"]) > 5
    for rule in group["rules"]:
        asked = re.findall(r"ledger_\w+", rule["expr"])
        assert asked
        assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked} <= names
