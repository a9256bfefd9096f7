"""The first statements of a batch: how the others are planned, and the locks on the holders.

They are what a cluster (Citus) does not take in the form that is best on one server; it is asked for another.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final, LiteralString
from uuid import UUID

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.journal.asking import Driver, Row, ask, driver_of, uuids

# Until the end of the transaction, each statement looks rows up: on a database that is too young to have
# statistics, it would be planned to read whole tables, and kept to it while they grow.
_LOOK_ROWS_UP_ON_CLUSTER: LiteralString = """
SELECT (SELECT stamp FROM programs WHERE program_id = %b), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
"""

# And has one plan, for any number of rows. Planned anew for each batch of one, they cost the server a third more.
# What spans shards has no plan that would do for all parameters, and is refused.
_LOOK_ROWS_UP: LiteralString = (
    _LOOK_ROWS_UP_ON_CLUSTER + ", set_config('plan_cache_mode', 'force_generic_plan', true)"
)

_HOLDERS: LiteralString = """
SELECT uuid_send(holder_id), program_id, member_id, version, head_hash, recorded_at, points, held, debt, growth,
       available, pending, growth_value, next_expiry_at, next_expiry_points, fresh_until,
       tier_settled_at, tier, tier_since, tier_ends_at, tier_in_grace, tier_terms_version,
       locks, uuid_send(merged_into)
  FROM holders
"""

# Locks in id order, whoever asks, so that no two batches wait for each other. NO KEY: an insert that
# refers to the holder need not wait.
_LOCK: LiteralString = _HOLDERS + " WHERE holder_id = ANY(%b) ORDER BY holder_id FOR NO KEY UPDATE"

# Rows of several shards are locked by several statements. Dearer by far: see docs/citus.md.
_LOCK_ON_CLUSTER: LiteralString = _HOLDERS + " WHERE holder_id = %b FOR NO KEY UPDATE"

_IS_CLUSTER: LiteralString = "SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL"

_KNOWN: Final = "ledger_is_on_cluster"


def is_on_cluster(connection: Connection) -> bool:
    """Whether the tables are distributed over servers; the database is asked once in a connection's life."""
    known = connection.info
    if _KNOWN not in known:
        ((known[_KNOWN],),) = driver_of(connection).execute(_IS_CLUSTER)
    found: bool = known[_KNOWN]
    return found


def ask_stamp(driver: Driver, program: Program, is_cluster: bool) -> Iterable[Row]:
    """The program's stamp, under way; every later statement of the transaction looks its rows up."""
    return ask(driver, _LOOK_ROWS_UP_ON_CLUSTER if is_cluster else _LOOK_ROWS_UP, program.program_id)


def ask_holders(driver: Driver, holder_ids: Sequence[bytes], is_cluster: bool) -> Iterable[Row]:
    """Lock these holders, given in id order, and read their rows, under way."""
    if not is_cluster:
        return ask(driver, _LOCK, uuids(holder_ids))
    # All are on their way before the first is read.
    asked = [ask(driver, _LOCK_ON_CLUSTER, UUID(bytes=identifier)) for identifier in holder_ids]
    return chain.from_iterable(asked)
