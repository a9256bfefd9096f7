"""Members who are one, as a batch reads them: who was merged into whom, what went over, and the growth of both."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from ledger.accounts.chart import Account
from ledger.accounts.growth_history import CHANGES, changes_by_holder, together
from ledger.accounts.holder import Holder
from ledger.accounts.merge_queries import MERGES, merges_in
from ledger.accounts.merges import Merged
from ledger.journal.asking import Driver, ask, uuids
from ledger.journal.loaded import Join

_MOVED: LiteralString = """
SELECT e.kind, uuid_send(e.holder_id), uuid_send(e.peer_holder_id), uuid_send(e.entry_id),
       uuid_send(e.parent_entry_id), p.ordinal, p.debit, p.credit, p.amount, uuid_send(p.lot_id)
  FROM entries e JOIN postings p USING (entry_id, holder_id)
 WHERE e.holder_id = ANY(%b) AND e.kind IN ('merge_out', 'merge_in') AND (54 IN (p.debit, p.credit) OR p.unit = 2)
 ORDER BY e.holder_id, e.version, p.ordinal
"""

_NAMES: LiteralString = "SELECT uuid_send(holder_id), member_id FROM holders WHERE holder_id = ANY(%b)"

# Growth of orders that say which order they are.
_ORDERS: LiteralString = """
SELECT e.details ->> 'order_id', uuid_send(e.holder_id), uuid_send(p.lot_id)
  FROM entries e JOIN postings p USING (entry_id, holder_id)
 WHERE e.holder_id = ANY(%b) AND e.kind = 'earn' AND p.unit = 2 AND p.available_at IS NOT NULL
   AND e.details ->> 'order_id' IS NOT NULL
"""


class MembersMerged(Exception):
    """Members whom commands name were merged, or the survivors of others are not locked: load again with these."""

    def __init__(self, names: Mapping[str, str], survivors: Iterable[bytes]) -> None:
        super().__init__(*names)
        self.names = names
        self.survivors = frozenset(survivors)


def look_up(driver: Driver, holders: Mapping[bytes, Holder], named: Iterable[str]) -> None:
    """Refuse to go on (MembersMerged) with members ``named`` who were merged, or without the survivors of any.

    Nobody merges or parts them meanwhile: the duplicate is locked.
    """
    wanted, missing = meant_by(holders, named)
    if not wanted and not missing:
        return
    called = dict(ask(driver, _NAMES, uuids(set(wanted.values()))).fetchall()) if wanted else {}
    raise MembersMerged({name: called[survivor] for name, survivor in wanted.items()}, missing)


def meant_by(
    holders: Mapping[bytes, Holder], named: Iterable[str]
) -> tuple[dict[str, bytes], frozenset[bytes]]:
    """The survivors of those members ``named`` who were merged, and the survivors that are not among the holders."""
    moved = {holder.member_id: holder.merged_into for holder in holders.values() if holder.merged_into}
    wanted = {name: survivor for name in named if (survivor := moved.get(name))}
    return wanted, frozenset(moved.values()) - holders.keys()


def read_merged(driver: Driver, holders: Mapping[bytes, Holder]) -> dict[bytes, Merged]:
    """The merges of those of the holders who were merged, by the duplicate."""
    survivors = {holder.merged_into for holder in holders.values() if holder.merged_into}
    found = [one for one in _merges(driver, survivors) if one.duplicate in holders]
    if not found:
        return {}
    rows = ask(driver, _MOVED, uuids({*survivors, *(one.duplicate for one in found)})).fetchall()
    return {one.duplicate: with_moves(one, rows) for one in found}


def _merges(driver: Driver, survivors: Iterable[bytes | None]) -> list[Merged]:
    return merges_in(ask(driver, MERGES, uuids(one for one in survivors if one)))


def with_moves(merged: Merged, rows: Iterable[tuple[Any, ...]]) -> Merged:
    """What has gone over from the duplicate, by the entries of both, whose postings stand in the same order."""
    pair = {merged.survivor, merged.duplicate}
    sides: dict[tuple[bytes, int], dict[bytes, bytes]] = defaultdict(dict)
    debt = 0
    for kind, holder, peer, entry, parent, ordinal, debit, credit, amount, lot in rows:
        if {holder, peer} != pair:
            continue
        if lot is not None:
            is_over = (kind == "merge_out") == (holder == merged.duplicate)
            if is_over:
                sides[entry if kind == "merge_out" else parent, ordinal][holder] = lot
        elif holder == merged.survivor:
            debt += amount * ((debit == Account.DEBT) - (credit == Account.DEBT))
    gone_over: dict[bytes, list[bytes]] = {}
    for sent in sides.values():
        gone_over.setdefault(sent[merged.duplicate], []).append(sent[merged.survivor])
    return merged._replace(gone_over=gone_over, debt=max(0, debt))


def give_histories(driver: Driver, wanted: Iterable[Holder]) -> None:
    """Read the whole history of growth of these holders, with that of whoever was merged into them."""
    holders = {holder.holder_id: holder for holder in wanted}
    merged = _merges(driver, holders)
    rows = ask(driver, CHANGES, uuids({*holders, *(one.duplicate for one in merged)})).fetchall()
    own = changes_by_holder(rows)
    for identifier, holder in holders.items():
        holder.growth_history = together(own, identifier, merged)


def read_join(driver: Driver, survivor: bytes, duplicate: bytes) -> Join:
    """What two members need who are merged or parted. The survivor's books are whatever stands in them now."""
    merged = _merges(driver, [survivor, duplicate])
    others = [one.duplicate for one in merged if one.survivor == survivor and one.duplicate != duplicate]
    rows = ask(driver, _ORDERS, uuids({survivor, duplicate, *others})).fetchall()
    counting = {order for order, holder, _ in rows if holder != duplicate}
    shared = frozenset(lot for order, holder, lot in rows if holder == duplicate and order in counting)
    own = changes_by_holder(ask(driver, CHANGES, uuids([duplicate])))
    return Join(shared, own.get(duplicate, []), frozenset(one.survivor for one in merged))
