"""A process that replays members: ``python -m ledger.rules.simulation.worker``.

Its job comes as a line of JSON on the standard input, so that no address of a database stands in the list of
processes; then ranges of members, a line each, until the input ends. It answers in lines: ``{"progress":
purchases}`` after each range, and in the end ``{"tally": …}``. When nobody reads any more, it ends.
"""

import gc
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any, BinaryIO

import orjson

from ledger.rules.simulation.drafts import Worlds
from ledger.rules.simulation.events import Event, Member
from ledger.rules.simulation.jobs import Job
from ledger.rules.simulation.reading import Range, any_referrals, connect, read_range
from ledger.rules.simulation.replay import Replay
from ledger.rules.simulation.tally import Tally


def work(job: Job, ranges: Iterable[Range], answers: BinaryIO) -> None:
    """Replay the ranges as they come, telling how far it is."""
    tally, worlds = Tally(), job.worlds()
    with connect(job.url, job.role, job.snapshot) as connection:
        tell(answers, {"progress": 0})
        has_referrals = any_referrals(connection)
        for within in ranges:
            members = read_range(
                connection, job.program, within, job.selection.draws, has_referrals=has_referrals
            )
            tell(answers, {"progress": replay_all(members, worlds, tally, job.end)})
        connection.rollback()
    tell(answers, {"tally": tally.stored()})


def replay_all(
    members: Iterable[tuple[Member, list[Event]]], worlds: Worlds, tally: Tally, end: datetime
) -> int:
    """Replay members; how many purchases they have made."""
    count = 0
    for member, events in members:
        Replay(member, worlds, tally).run(events, end)
        count += sum([event.kind == "earn" for event in events])
    return count


def tell(answers: BinaryIO, answer: dict[str, Any]) -> None:
    """One line of the answer."""
    answers.write(orjson.dumps(answer) + b"\n")
    answers.flush()


def main() -> None:
    """Do the job that stands on the standard input."""
    told = sys.stdin.buffer
    job = Job.restored(orjson.loads(told.readline()))
    ranges = (Range(*map(int, orjson.loads(line))) for line in iter(told.readline, b""))
    # What a replay makes is dropped member by member; nothing of it refers to itself.
    gc.disable()
    try:
        work(job, ranges, sys.stdout.buffer)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
