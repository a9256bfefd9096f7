"""The page on exports agrees with the code: account by account, column by column."""

import re

from ledger.finance.exports.legs import COLUMNS
from ledger.finance.exports.names import NAMES
from ledger.finance.exports.tables import ROWS_OF_A_GROUP
from ledger.finance.reconciliation.matching import AGES
from ledger.finance.reconciliation.uploads import FORMS, TYPES
from tests.docs.pages import text_of

PAGE = text_of("docs/exports.md")


def test_every_account_is_named_as_it_is_exported() -> None:
    told = re.findall(r"\| `([a-z_]+)` \| `([A-Z][A-Za-z:]+)` ", PAGE)
    assert dict(told) == {account.name.lower(): name for account, name in NAMES.items()}
    assert len(told) == len(NAMES)


def test_every_column_of_the_tables_is_told_in_order() -> None:
    table = PAGE.split("### CSV and Parquet")[1].split("###")[0]
    rows = re.findall(r"(?m)^\| (`.*?) \|", table)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == list(COLUMNS)
    assert f"row groups of {ROWS_OF_A_GROUP:,}" in PAGE


def test_columns_of_uploads_are_told() -> None:
    for kind, form in FORMS.items():
        required, optional = re.findall(rf"(?m)^\| `{kind}` \| (.*) \| (.*) \|$", PAGE)[0]
        assert re.findall(r"`(\w+)`", required) == list(form.required)
        assert set(re.findall(r"`(\w+)`", optional)) == form.columns.keys() - set(form.required)
    assert all(f"`{kind}`" in PAGE for kind in TYPES)
    assert "0–1, 2–7, 8–30, and 31 or more" in PAGE
    assert AGES == ("0-1", "2-7", "8-30", "31+")
