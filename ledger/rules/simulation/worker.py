"""A process that replays a part of the members: ``python -m ledger.rules.simulation.worker``.

Its job comes as one line of JSON on the standard input, so that no address of a database stands in the list of
processes. It answers in lines: ``{"progress": entries}`` after each range of members, and in the end
``{"tally": …}``. When nobody reads any more, it ends.
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
from ledger.rules.simulation.reading import any_referrals, connect, read_range
from ledger.rules.simulation.replay import Replay
from ledger.rules.simulation.tally import Tally


def work(job: Job, answers: BinaryIO) -> None:
    """Replay the ranges of a job, telling how far it is."""
    tally, worlds = Tally(), job.worlds()
    with connect(job.url, job.role, job.snapshot) as connection:
        tell(answers, {"progress": 0})
        has_referrals = any_referrals(connection)
        for within in job.ranges:
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
    job = Job.restored(orjson.loads(sys.stdin.buffer.readline()))
    # What a replay makes is dropped member by member; nothing of it refers to itself.
    gc.disable()
    try:
        work(job, sys.stdout.buffer)
    except BrokenPipeError:
        sys.exit(1)


if __name__ == "__main__":
    main()
