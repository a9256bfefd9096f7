"""A process that replays a part of the members: ``python -m ledger.rules.simulation.worker``.

Its job comes as one line of JSON on the standard input, so that no address of a database stands in the list of
processes. It answers in lines: ``{"progress": entries}`` after each range of members, and in the end
``{"tally": …}``. When nobody reads any more, it ends.
"""

import gc
import sys
from typing import Any, BinaryIO

import orjson

from ledger.rules.simulation.drafts import Worlds
from ledger.rules.simulation.jobs import Job
from ledger.rules.simulation.reading import Connection, Range, connect, read_range
from ledger.rules.simulation.replay import Replay
from ledger.rules.simulation.tally import Tally


def work(job: Job, answers: BinaryIO) -> None:
    """Replay the ranges of a job, telling how far it is."""
    tally, worlds = Tally(), job.worlds()
    with connect(job.url, job.role, job.snapshot) as connection:
        tell(answers, {"progress": 0})
        for within in job.ranges:
            tell(answers, {"progress": replay_range(connection, worlds, within, tally, job)})
        connection.rollback()
    tell(answers, {"tally": tally.stored()})


def replay_range(connection: Connection, worlds: Worlds, within: Range, tally: Tally, job: Job) -> int:
    """Replay the members of a range; how many purchases and activities they have."""
    count = 0
    for member, events in read_range(connection, worlds.program, within, worlds.selection.draws):
        Replay(member, worlds, tally).run(events, job.end)
        count += sum([event.kind in ("earn", "activity") for event in events])
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
