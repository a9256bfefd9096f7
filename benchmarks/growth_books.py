"""Books of any size, quickly: the engine's own pure decisions, sent by COPY instead of statement by statement.

Each process keeps its share of a slice's members in memory and lets them live through the slice's time:
purchases, redemptions and refunds are decided by ``decide_batch`` and chained by it, exactly as the service
does it. Only reading and writing differ, and in large slices members have twins (``growth_twins``). So
``ledger verify`` accepts the books, hash chains and all.
"""

import multiprocessing
import os
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from itertools import islice

from benchmarks.books import CURRENCY
from benchmarks.growth_copy import Inlets, encoded, unguarded
from benchmarks.growth_twins import Twin, id_mark, name_mark
from ledger.accounts.chart import Unit
from ledger.accounts.holder import Holder
from ledger.accounts.lots import Lot
from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.db import Database
from ledger.ids import holder_id, show
from ledger.journal import Request, wire
from ledger.journal.chain import ENTRY_COLUMNS, POSTING_COLUMNS
from ledger.journal.commands import Command, Recorded
from ledger.journal.loaded import Loaded
from ledger.journal.post import decide_batch
from ledger.journal.rows import (
    CLAIM_COLUMNS,
    HOLDER_COLUMNS,
    LOT_COLUMNS,
    OUTCOME_COLUMNS,
    claim_row,
    lot_row,
    outcome_row,
)
from ledger.journal.write import Written
from ledger.redemption.commands import Redeem, Refund
from ledger.rules.commands import Line, Purchase

ENTRIES_PER_MEMBER = 20
_BATCH = 200
_FLUSH_ENTRIES = 20_000
_REDEEMING = 0.2
_REFUNDED = 0.25
"""Of the redemptions, in part, some time later."""

_COLUMNS = {
    "holders": HOLDER_COLUMNS,
    "entries": {name: kind for name, (kind, _) in ENTRY_COLUMNS.items()} | {"hash": wire.Bytes},
    "postings": {name: kind for name, (kind, _) in POSTING_COLUMNS.items()},
    "lots": LOT_COLUMNS,
    "business_references": CLAIM_COLUMNS,
    "outcomes": OUTCOME_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class Slice:
    """Entries of members of its own, who live through a span of time. One process makes every ``of``-th member's."""

    url: str
    name: str
    entries: int
    since: datetime
    until: datetime
    twins: int = 1
    """How many members live alike: one of few, so that they are as varied as can be."""
    number: int = 0
    of: int = 1

    @property
    def members(self) -> int:
        """The members that decisions are made for."""
        return max(self.entries // ENTRIES_PER_MEMBER // self.twins, 1)

    def member(self, number: int) -> str:
        """The id of a member."""
        return f"{self.name}{name_mark(0)}{number:06d}"


def make_slice(part: Slice, processes: int) -> None:
    """Make a slice's entries in so many processes at once."""
    context = multiprocessing.get_context("spawn")
    shares = [replace(part, number=number, of=processes) for number in range(processes)]
    workers = [context.Process(target=_work, args=(share,)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError(f"a maker of books ended with {worker.exitcode}")


def _work(share: Slice) -> None:
    os.nice(10)
    database = Database(share.url, role=None)
    program = database.run(partial(find_program, name="default"))
    database.close()
    assert program is not None
    with unguarded(share.url) as connection:
        _Maker(share, program, Inlets(connection, _COLUMNS)).run()


class _Maker:
    """The members of one share, and what has become of them so far."""

    def __init__(self, share: Slice, program: Program, inlets: Inlets) -> None:
        self._share = share
        self._program = program
        self._inlets = inlets
        self._chance = random.Random(f"{share.name}/{share.number}")
        self._members = [share.member(n) for n in range(share.number, share.members, share.of)]
        self._holders: dict[bytes, Holder] = {}
        self._enrolled_at: dict[bytes, datetime] = {}
        self._lots: dict[bytes, dict[bytes, Lot]] = {}
        self._redemptions: deque[Recorded] = deque()
        """Those that will be refunded, once others have come after them."""
        self._refunding: list[Recorded] = []
        self._twins = [Twin(program.program_id, number) for number in range(share.twins)]
        self._made = self._ids = 0

    def run(self) -> None:
        """Make the share's entries, then write its members and their lots as they stand at the end."""
        share, flushed = self._share, 0
        wanted = share.entries // share.of // share.twins
        while self._made < wanted:
            now = share.since + (share.until - share.since) * (self._made / wanted)
            self._decide(now, list(self._requests(now, min(_BATCH, wanted - self._made))))
            if (self._made - flushed) * share.twins >= _FLUSH_ENTRIES:
                self._inlets.flush()
                flushed = self._made
        for number, (identifier, holder) in enumerate(self._holders.items()):
            lots = encoded([lot_row(holder, lot) for lot in self._lots[identifier].values()], LOT_COLUMNS)
            for twin in self._twins:
                self._inlets.add("holders", twin.holder(holder, self._enrolled_at[identifier]))
                self._inlets.add("lots", twin.lots(identifier, lots))
            if number * ENTRIES_PER_MEMBER * share.twins % _FLUSH_ENTRIES == 0:
                self._inlets.flush()
        self._inlets.flush()

    def _requests(self, now: datetime, count: int) -> Iterator[Request]:
        """Commands of members, each of whom is named once: so a batch is nobody's second turn."""
        for member in self._chance.sample(self._members, min(count, len(self._members))):
            name = f"{self._share.name}{name_mark(0)}{self._share.number}-{self._made:x}"
            self._made += 1
            command = self._command(member, name, now)
            yield Request(command, name, blake2b(name.encode(), digest_size=16).digest(), f"req_{name}")

    def _command(self, member: str, name: str, now: datetime) -> Command:
        draw = self._chance.random()
        if draw < _REDEEMING * _REFUNDED and len(self._redemptions) > _BATCH:
            back = self._redemptions.popleft()
            self._refunding.append(back)
            return Refund(show("red", back.entry_id), 1, name)
        holder = self._holders.get(holder_id(self._program.program_id, member))
        if draw < _REDEEMING and holder is not None and holder.standing.available >= 40:
            return Redeem(member, self._chance.randrange(2, 40), name)
        line = Line("1", 1, self._chance.randrange(1_000, 90_000), "sku-1", "grocery")
        return Purchase(name, member, now, CURRENCY, (line,))

    def _decide(self, now: datetime, requests: list[Request]) -> None:
        program = self._program
        loaded = Loaded({}, {}, {}, asked_at=now, now=now)
        self._prepare(loaded, requests)
        outcomes, written = decide_batch(program, loaded, requests, entry_ids=lambda: self._entry_id(now))
        assert written is not None
        refused = [outcome.error for outcome in outcomes if outcome.error]
        assert not refused, refused[0]
        self._keep(loaded)
        for entry in loaded.recorded.values():
            if entry.kind == "redeem" and not entry.children and self._chance.random() < _REFUNDED:
                self._redemptions.append(entry)
        self._write(now, written)

    def _write(self, now: datetime, written: Written) -> None:
        number, inlets = self._program.program_id, self._inlets
        claims = encoded([claim_row(number, claim, draft) for claim, draft in written.claims], CLAIM_COLUMNS)
        claimed = list(zip([draft.holder_id for _, draft in written.claims], claims, strict=True))
        answers = [outcome_row(number, now, *row) for row in written.outcomes]
        told = b"".join(encoded(answers, OUTCOME_COLUMNS))
        unlinked = iter(written.postings)
        entries = [
            (sealed.holder.holder_id, entry, list(islice(unlinked, len(sealed.postings))))
            for sealed, entry in zip(written.sealed, written.entries, strict=True)
        ]
        for twin in self._twins:
            for row in entries:
                entry, postings = twin.entry(*row)
                inlets.add("entries", entry)
                inlets.add("postings", postings)
            for claim in claimed:
                inlets.add("business_references", twin.claim(*claim))
            inlets.add("outcomes", twin.marked(told))

    def _prepare(self, loaded: Loaded, requests: list[Request]) -> None:
        """What loading would read: the members, the lots of those who draw, and what is refunded."""
        number = self._program.program_id
        drawing = {entry.holder_id for entry in self._refunding}
        for entry in self._refunding:
            loaded.recorded[entry.entry_id] = entry
            loaded.claims["entry", entry.entry_id.hex()] = (entry.entry_id, entry.holder_id)
        self._refunding.clear()
        for request in requests:
            for member in request.command.members:
                identifier = holder_id(number, member)
                if identifier not in self._holders:
                    self._holders[identifier] = Holder(identifier, number, member, is_new=True)
                    self._enrolled_at[identifier] = loaded.now
                    self._lots[identifier] = {}
                    for twin in self._twins:
                        twin.enrol(self._holders[identifier])
                loaded.holders[identifier] = self._holders[identifier]
                if isinstance(request.command, Redeem):
                    drawing.add(identifier)
        for identifier in drawing:
            holder = loaded.holders[identifier] = self._holders[identifier]
            holder.lots = dict(self._lots[identifier])
            holder.refresh(loaded.now)

    def _keep(self, loaded: Loaded) -> None:
        """Keep the lots of points; those of growth, which nothing will touch, are written at once."""
        for identifier, holder in loaded.holders.items():
            of_growth = [lot for lot in holder.opened if lot.unit == Unit.GROWTH]
            rows = encoded([lot_row(holder, lot) for lot in of_growth], LOT_COLUMNS)
            for twin in self._twins:
                self._inlets.add("lots", twin.lots(identifier, rows))
            self._lots[identifier].update(
                (lot.lot_id, lot) for lot in holder.opened if lot.unit == Unit.POINT
            )
            holder.opened, holder.touched, holder.lots, holder.growth_unseen = [], {}, None, 0
            holder.is_new = False

    def _entry_id(self, now: datetime) -> bytes:
        """A UUIDv7 of that time, as ``new_entry_id`` makes them, in this process's own order."""
        self._ids += 1
        milliseconds = int(now.timestamp() * 1000)
        head = (milliseconds << 16 | 0x7000 | self._ids & 0xFFF).to_bytes(8, "big")
        return head + bytes((0x80 | self._share.number,)) + id_mark(0) + b"\0\0"
