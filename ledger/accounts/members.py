"""Members as callers keep them: an opaque id, a region, a store, when they enrolled, and free attributes.

No personal data. The facts here decide no posting; they stand in the holder's row, so a member that is
put and a member that a purchase enrols are one and the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from ledger.accounts.member_locks import shown as shown_locks
from ledger.accounts.models import erasures, holders, member_attributes
from ledger.accounts.program import Program
from ledger.accounts.queries import holder_uuid, lock_member, unknown_member
from ledger.clock import MAX_SKEW, show
from ledger.errors import MemberErased, OccurredInFuture


@dataclass(frozen=True, slots=True)
class Member:
    """What is known of a member."""

    member_id: str
    region: str | None
    store: str | None
    enrolled_at: datetime
    attributes: dict[str, Any]
    account_version: int
    locks: int = 0
    merged_into: str | None = None
    """The member in whose books his points are, where he was merged."""

    def shown(self) -> dict[str, Any]:
        """The member as answers show it."""
        return {
            "member_id": self.member_id,
            "region": self.region,
            "store": self.store,
            "enrolled_at": show(self.enrolled_at),
            "attributes": self.attributes,
            "account_version": self.account_version,
            "locks": shown_locks(self.locks),
            "merged_into": self.merged_into,
        }


def read_member(connection: Connection, program: Program, member_id: str) -> Member:
    """What is known of a member, or ``member_unknown``."""
    row = connection.execute(
        select(
            holders.c.member_id,
            holders.c.region,
            holders.c.store,
            holders.c.enrolled_at,
            member_attributes.c.attributes,
            holders.c.version,
            holders.c.locks,
            holders.c.merged_into,
        )
        .join_from(
            holders, member_attributes, member_attributes.c.holder_id == holders.c.holder_id, isouter=True
        )
        .where(holders.c.holder_id == holder_uuid(program, member_id))
    ).one_or_none()
    if row is None:
        raise unknown_member(member_id)
    return Member(
        row.member_id,
        row.region,
        row.store,
        row.enrolled_at,
        row.attributes or {},
        row.version,
        row.locks,
        _name_of(connection, row.merged_into),
    )


def _name_of(connection: Connection, key: UUID | None) -> str | None:
    query = select(holders.c.member_id).where(holders.c.holder_id == key)
    return connection.execute(query).scalar_one() if key else None


def put_member(
    connection: Connection,
    program: Program,
    member_id: str,
    *,
    region: str | None = None,
    store: str | None = None,
    enrolled_at: datetime | None = None,
    attributes: Mapping[str, Any] | None = None,
    now: datetime,
) -> tuple[Member, bool]:
    """Create a member or change what is known of one; True with a member that is new.

    What is left out (None) stays as it is; ``attributes`` given replace all that were there, so ``{}``
    takes them away. A new member without ``enrolled_at`` enrols now. Refuses an enrolment in the future
    (``occurred_in_future``) and a member who was erased (``member_erased``). Locks the holder's row until the
    end of the transaction; a purchase that enrols the same member at the same moment waits, or is waited for.
    """
    if enrolled_at is not None and enrolled_at > now + MAX_SKEW:
        raise OccurredInFuture(
            "the enrolment lies in the future", occurred_at=show(enrolled_at), now=show(now)
        )
    key = holder_uuid(program, member_id)
    given = {"region": region, "store": store, "enrolled_at": enrolled_at}
    facts = {name: value for name, value in given.items() if value is not None}
    is_new = _enrol(connection, program, key, member_id, facts, now)
    if not is_new:
        # Even where nothing of the row changes: attributes are changed, and members erased, under it too.
        lock_member(connection, program, member_id)
        refuse_erased(connection, key, member_id)
        _change(connection, key, facts)
    if attributes is not None:
        _put_attributes(connection, key, attributes)
    return read_member(connection, program, member_id), is_new


def _enrol(
    connection: Connection, program: Program, key: UUID, member_id: str, facts: dict[str, Any], now: datetime
) -> bool:
    """Insert the holder's row; False when it is there, committed by whoever was first."""
    row = {"holder_id": key, "program_id": program.program_id, "member_id": member_id, "enrolled_at": now}
    # ON CONFLICT waits for a rival that has inserted and not committed; it never fails.
    statement = insert(holders).values(row | facts).on_conflict_do_nothing().returning(holders.c.holder_id)
    return connection.execute(statement).first() is not None


def erased_at_of(connection: Connection, key: UUID) -> datetime | None:
    """When a member was erased; None where he was not."""
    return connection.execute(
        select(erasures.c.erased_at).where(erasures.c.holder_id == key)
    ).scalar_one_or_none()


def refuse_erased(connection: Connection, key: UUID, member_id: str) -> None:
    """Refuse a member of whom nothing more may become known (``member_erased``)."""
    erased_at = erased_at_of(connection, key)
    if erased_at is not None:
        raise MemberErased(f"{member_id} was erased", member_id=member_id, erased_at=show(erased_at))


def _change(connection: Connection, key: UUID, facts: dict[str, Any]) -> None:
    if facts:
        connection.execute(update(holders).where(holders.c.holder_id == key).values(facts))


def _put_attributes(connection: Connection, key: UUID, attributes: Mapping[str, Any]) -> None:
    statement = insert(member_attributes).values(holder_id=key, attributes=dict(attributes))
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["holder_id"], set_={"attributes": statement.excluded.attributes}
        )
    )
