"""The batches of devices that were offline: numbered by the device, sent late, out of order and more than once.

Every operation has a key of its own, so a batch that comes again moves nothing again. The register is for what keys
cannot tell: which numbers have not arrived yet, and that one number is one content.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ledger.accounts.program import Program
from ledger.clock import show
from ledger.errors import DeviceUnknown, TillBatchChanged
from ledger.journal.models import till_batches

LOOKS_BACK = 1_000
"""Gaps are looked for among so many numbers before the last."""


def register(
    connection: Connection,
    program: Program,
    device_id: str,
    sequence: int,
    *,
    digest: bytes,
    operations: int,
    now: datetime,
) -> bool:
    """Note that a batch has arrived; whether it had arrived before.

    Refuses another content under a number that is taken (``till_batch_changed``). Two that come at once meet at the
    primary key.
    """
    made = connection.execute(
        insert(till_batches)
        .values(
            program_id=program.program_id,
            device_id=device_id,
            sequence=sequence,
            digest=digest,
            operations=operations,
            received_at=now,
        )
        .on_conflict_do_nothing()
        .returning(till_batches.c.sequence)
    ).first()
    if made is not None:
        return False
    first = connection.execute(
        select(till_batches.c.digest).where(
            till_batches.c.program_id == program.program_id,
            till_batches.c.device_id == device_id,
            till_batches.c.sequence == sequence,
        )
    ).scalar_one()
    if first != digest:
        raise TillBatchChanged(
            "the number has come with other operations; number every batch anew",
            device_id=device_id,
            sequence=sequence,
        )
    return True


def device_state(connection: Connection, program: Program, device_id: str) -> dict[str, Any]:
    """The last number of a device, when anything came last, and the numbers that are missing; ``device_unknown``."""
    of_device = (till_batches.c.program_id == program.program_id, till_batches.c.device_id == device_id)
    last, received_at = connection.execute(
        select(func.max(till_batches.c.sequence), func.max(till_batches.c.received_at)).where(*of_device)
    ).one()
    if last is None:
        raise DeviceUnknown(f"no batch of {device_id} has arrived", device_id=device_id)
    first = max(1, last - LOOKS_BACK + 1)
    arrived = connection.execute(
        select(till_batches.c.sequence).where(*of_device, till_batches.c.sequence >= first)
    ).scalars()
    missing = sorted(set(range(first, last)) - set(arrived))
    return {
        "device_id": device_id,
        "last_sequence": last,
        "received_at": show(received_at),
        "missing": missing,
    }
