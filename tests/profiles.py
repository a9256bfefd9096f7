"""How many examples the property tests try, and from which seed.

By default few enough to run with every change, and the same ones each time. ``LEDGER_TEST_EXAMPLES=20``
tries twenty times as many, from a seed that is drawn anew and named when an example fails;
``LEDGER_TEST_SEED`` gives it.
"""

import os
import random
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, note, seed, settings

FACTOR: Final = int(os.environ.get("LEDGER_TEST_EXAMPLES", "1"))
SEED: Final = int(os.environ.get("LEDGER_TEST_SEED") or random.SystemRandom().randrange(2**32))


def profile(examples: int, **changes: Any) -> settings:
    """Settings for ``examples`` tries by default."""
    chosen: dict[str, Any] = {
        "max_examples": examples * FACTOR,
        "derandomize": FACTOR == 1,
        "database": None,
        # Nothing here is timed: a busy machine is not a bug.
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        "print_blob": True,
        "phases": (Phase.explicit, Phase.generate, Phase.shrink),
    }
    return settings(**{**chosen, **changes})


def examples(number: int) -> Callable[[Any], Any]:
    """The decorator of a property: ``@examples(200)`` above ``@given``."""

    def decorate(test: Any) -> Any:
        chosen = profile(number)(test)
        return chosen if FACTOR == 1 else seed(SEED)(chosen)

    return decorate


def name_seed() -> None:
    """Say in the report of a failing example which seed found it."""
    note(f"LEDGER_TEST_EXAMPLES={FACTOR} LEDGER_TEST_SEED={SEED if FACTOR > 1 else 'derandomized'}")
