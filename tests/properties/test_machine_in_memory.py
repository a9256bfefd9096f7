"""Any sequence of commands leaves the pure core of the ledger where the model says, with the books balanced."""

import json
from dataclasses import replace
from typing import Any

from tests.builders import program
from tests.model.driver import Driver
from tests.model.memory import MemoryDriver
from tests.properties.machine import run


def make_driver(terms: dict[str, Any], zone: str) -> Driver:
    return MemoryDriver(replace(program(zone), terms=json.dumps(terms)))


def test_any_sequence_of_commands_does_what_the_model_says() -> None:
    run(make_driver, examples=150, steps=40)
