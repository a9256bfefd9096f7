"""What a run says of itself: targets judged right, charts that are SVG, requests that are HTTP."""

import json
from xml.etree import ElementTree

import orjson
import pytest

from benchmarks import charts, http, svg, sweep, targets
from benchmarks.cpu import Spent
from benchmarks.draws import uniform
from benchmarks.empty import PATH, application
from benchmarks.lots import Shape
from benchmarks.measure import Measurement
from benchmarks.report import PERCENTILES, Compared, latencies, raw
from benchmarks.requests import Caller, Operations

DUE = 1_000
FEW, MANY = (sweep.name_of(Shape(DUE, DUE * kept, sweep.EACH)) for kept in (1, sweep.KEPT))


def found(name: str, rate: float, reference: float = 1_000.0, **notes: float) -> Compared:
    """A measurement of one second beside a pgbench that does a thousand."""
    measured = Measurement(name, int(rate), 1.0, 0.1, Spent(0.2, 0, 1), service=0.3, notes={**notes})
    return Compared(measured, reference, 100.0)


def run(**changed: float) -> list[Compared]:
    """Figures that meet every target exactly, but for those that are changed."""
    rates = {"post": 550, "empty": 1_375, "plain": 1_000, "paid": 900, "batch": 4_000} | changed
    return [
        found(targets.POST, rates["post"], **{f"{share}_ms": 9.0 for share in PERCENTILES}),
        found(f"{http.EMPTY_POST}, {http.MANY} connections", rates["empty"]),
        found(f"{http.PLAIN_RULE}, {http.MANY} connections", rates["plain"]),
        found(f"{http.PAID_RULE}, {http.MANY} connections", rates["paid"]),
        found(f"{http.BATCHES}, 2 connections", rates["batch"]),
        found(f"{http.BALANCE}, {http.FEW} connections", changed.get("balance", 600)),
        found(f"{http.LIVEZ}, {http.FEW} connections", 1_000),
        found(
            http.OPEN_LOOP,
            275,
            p50_ms=2.0,
            p90_ms=4.0,
            **{"p99_ms": changed.get("p99", 16.0), "p99.9_ms": 30},
        ),
        found(MANY, changed.get("many", 30_000)),
        found(FEW, 30_000),
    ]


def test_figures_that_reach_their_bounds_meet_the_targets() -> None:
    judged = targets.judge(run(), DUE)
    assert [each.verdict for each in judged] == ["met"] * 8 + ["see docs/growth.md"] * 2


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"post": 549}, ["single POST to pgbench", "single POST to an empty POST"]),
        ({"empty": 1_376}, ["single POST to an empty POST"]),
        ({"paid": 899}, ["one fund pays all, to the same rule without"]),
        ({"batch": 3_999}, ["batch of 1,000 to pgbench"]),
        ({"balance": 599}, ["balance to an empty GET"]),
        ({"p99": 16.1}, ["open loop: p99 to p50"]),
        ({"many": 29_999}, ["sweep, lots a second"]),
        ({"many": 26_000}, ["sweep, lots a second", "sweep, ten times as many kept to few"]),
    ],
)
def test_a_figure_just_short_misses_its_target_alone(changed: dict[str, float], missed: list[str]) -> None:
    judged = targets.judge(run(**changed), DUE)
    assert [each.what for each in judged if each.verdict == "not met"] == missed


def test_the_median_of_several_runs_is_judged() -> None:
    runs = [*run(post=540), *run(post=560), *run(post=560)]
    judged = {each.what: each for each in targets.judge(runs, DUE)}
    assert judged["single POST to pgbench"].figure == pytest.approx(0.56)


def test_what_was_not_run_is_neither_met_nor_missed() -> None:
    verdicts = [each.verdict for each in targets.judge([found("engine", 5)], DUE)]
    assert verdicts == ["not run"] * 8 + ["see docs/growth.md"] * 2
    assert "not run" in targets.table(targets.judge([], DUE))


def test_latencies_are_told_of_the_loads_that_have_them() -> None:
    lines = latencies(run()).splitlines()
    assert [line.split()[-4:] for line in lines] == [
        [*PERCENTILES],
        ["9.0"] * 4,
        ["2.0", "4.0", "16.0", "30.0"],
    ]


def test_charts_are_svg_with_every_load_and_figure_in_them() -> None:
    measured = json.loads(json.dumps(raw(run())))
    texts = []
    for chart in (charts.rates(measured), charts.latencies(measured)):
        root = ElementTree.fromstring(chart)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        texts.append([element.text for element in root.iter() if element.text])
    assert "4.00" in texts[0]
    assert "POST /v1/purchases, 96 conn." in texts[0]
    assert set(PERCENTILES) <= set(texts[1])


def test_names_in_a_chart_are_escaped_and_bars_are_to_scale() -> None:
    root = ElementTree.fromstring(svg.bars("a < b & c", {"<x>": 1.0, "y": 2.0}, {"y": 4.0}))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "<x>" in words
    widths = [
        float(element.attrib["width"])
        for element in root.iter("{http://www.w3.org/2000/svg}rect")
        if "%" not in element.attrib["width"]
    ]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
    assert widths[1] == pytest.approx((svg.WIDTH - 400) / 2, abs=0.2)


def test_batches_next_to_each_other_share_no_member() -> None:
    make = Caller("host", "token").batches(1_000, 50)
    members = [
        {
            operation["body"]["member_id"]
            for operation in json.loads(make().partition(b"\r\n\r\n")[2])["operations"]
        }
        for _ in range(4)
    ]
    assert not members[0] & members[1]
    assert not members[1] & members[2]
    assert not members[2] & members[3]


def test_a_purchase_has_a_key_of_its_own_and_the_length_of_its_body() -> None:
    make = Caller("host", "token").purchases(uniform(10, "x"))
    keys = set()
    for _ in range(20):
        head, _, body = make().partition(b"\r\n\r\n")
        keys.add(json.loads(body)["purchase_id"])
        assert f"Content-Length: {len(body)}".encode() in head
        assert f"Idempotency-Key: {json.loads(body)['purchase_id']}".encode() in head
    assert len(keys) == 20


def test_of_a_stream_seven_in_ten_are_purchases() -> None:
    kinds = [orjson.loads(line)["operation"] for line in Operations().lines(100, 2_000)]
    assert len(kinds) == 2_000
    assert kinds.count("purchase") == pytest.approx(1_400, abs=100)


@pytest.mark.parametrize(("kept", "members"), [(1_000, 100), (10_000, 550)])
def test_a_shape_has_as_many_lots_as_it_says(kept: int, members: int) -> None:
    shape = Shape(1_000, kept, 10)
    assert (shape.members_due, shape.members) == (100, members)
    lots = shape.members * 2 * shape.each
    assert lots == shape.due + shape.kept


def test_the_empty_application_takes_what_the_ledger_takes() -> None:
    client = application().test_client()
    assert client.post(PATH, json={"purchase_id": "p-1"}).status_code == 201
    assert client.get("/readyz").status_code == 200
    assert client.get(PATH).status_code == 405
