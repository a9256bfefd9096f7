"""A round: a workload and its nemesis, the silence after, and the oracle."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import psycopg

from ledger.db import Database
from ledger.finance.verify import verify

from . import oracle
from .clients import Caller, Progress, Record, run_clients, settle
from .nemesis import Victim, deal, make_blows
from .service import SECONDS, Service
from .workload import make_plan

_log = logging.getLogger(__name__)

_TRIAL_BALANCE: Final = """
SELECT coalesce(sum(CASE side WHEN 'credit' THEN amount ELSE -amount END) FILTER (WHERE account = 'points'), 0),
       coalesce(sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) FILTER (WHERE account = 'debt'), 0),
       coalesce(sum(CASE side WHEN 'credit' THEN amount ELSE -amount END) FILTER (WHERE account = 'growth'), 0)
  FROM legs
"""


class Arena:
    """A service that rounds are fought over, one after the other; its books only grow."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.token = service.create_key()
        self.ends: dict[str, oracle.Standing] = {}

    def fight(self, seed: int, victims: tuple[Victim, ...]) -> None:
        """Fight the round of a seed; fails when anything is not as promised."""
        service, progress = self.service, Progress()
        plan, blows = make_plan(seed), make_blows(seed, victims)
        occurred_at = datetime.now(UTC).isoformat()
        dealt: list[int] = []
        records = run_clients(
            service,
            self.token,
            plan,
            occurred_at,
            progress,
            lambda: dealt.append(deal(service, blows, progress)),
        )
        service.await_status(200, seconds=SECONDS // 2)
        caller = Caller(service.port, self.token)
        unknown = settle(caller, records)
        entries = oracle.read_entries(service.owner_url, plan.members)
        self.ends |= oracle.check(records, entries)
        replays = self.check_replays(caller, records)
        caller.close()
        assert oracle.read_entries(service.owner_url, plan.members) == entries, "a replay has an effect"
        self.check_books()
        _log.info(
            "seed %d: %d of %d blows, %d operations, %d entries, %d of unknown outcome, %d replays",
            *(seed, dealt[0], len(blows), len(records), len(entries), unknown, replays),
        )

    def check_replays(self, caller: Caller, records: Sequence[Record]) -> int:
        """Every key that has an answer gives it again, byte for byte, on the operation's own route."""
        remembered = [record for record in records if record.answer and record.answer.is_remembered]
        for record in remembered:
            again = caller.send(record.operation)
            assert record.answer is not None
            assert (again.status, again.body) == (record.answer.status, record.answer.body), record
            assert again.is_replay, record
        return len(remembered)

    def check_books(self) -> None:
        """The trial balance is the sum of all members' ends, and every invariant holds."""
        with psycopg.connect(self.service.owner_url) as connection:
            totals = connection.execute(_TRIAL_BALANCE).fetchone()
        assert totals == tuple(map(sum, zip(*self.ends.values(), strict=True)))
        database = Database(self.service.owner_url, role=None, pool_size=1)
        try:
            with database.read() as connection:
                broken = [finding.told() for finding in verify(connection, None) if not finding.is_sound]
        finally:
            database.close()
        assert not broken
