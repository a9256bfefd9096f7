"""What the document shows as an example is as the document says that it must be."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openapi_schema_validator import OAS31Validator

from ledger.app import openapi_document
from ledger.http.examples import EXAMPLES

DOCUMENT = orjson.loads(openapi_document("json"))


def shown(value: Any, *way: str) -> Iterator[tuple[str, Any]]:
    """Every schema with an example, by its place in the document."""
    if isinstance(value, dict):
        if "examples" in value:
            yield "/".join(way), value
        for name, inner in value.items():
            yield from shown(inner, *way, name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from shown(inner, *way, str(number))


@pytest.mark.parametrize("schema", [pytest.param(schema, id=place) for place, schema in shown(DOCUMENT)])
def test_an_example_has_the_shape_that_it_illustrates(schema: Any) -> None:
    judge = OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)
    assert [each for each in schema["examples"] if not judge.is_valid(each)] == []


def test_no_example_is_listed_in_vain() -> None:
    used = {place.rpartition("/")[2] for place, _ in shown(DOCUMENT)}
    used |= {
        each["name"]
        for path in DOCUMENT["paths"].values()
        for page in path.values()
        for each in page["parameters"]
    }
    assert EXAMPLES.keys() <= used
