"""What Citus accepts of a statement, as rules that can be told from its text.

They are simpler than Citus' planner, and stricter: a statement that keeps to them is of a form that it takes. The
statements of the posting path are written plainly enough for that; ``docs/citus.md`` has the grounds of each rule.
"""

import re
from collections.abc import Callable

from ledger.citus import DISTRIBUTED_BY

_TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([a-z_]+)"?', re.IGNORECASE)


def tables_of(statement: str) -> list[str]:
    """The distributed tables that a statement names after FROM, JOIN, INTO or UPDATE; one that comes twice, twice."""
    # FOR UPDATE names no table, and what a CTE refers to again it has read already.
    found = _TABLE.findall(re.sub(r"FOR (NO KEY )?UPDATE|DO UPDATE", "", statement))
    return [table for table in found if table in DISTRIBUTED_BY]


def _locks_many_shards(statement: str) -> bool:
    locks = re.search(r"FOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)", statement)
    return locks is not None and not re.search(r"\bholder_id = %", statement)


def _forces_one_plan(statement: str) -> bool:
    return "force_generic_plan" in statement


def _limits_a_lateral_subquery(statement: str) -> bool:
    return any(
        re.search(r"\b(LIMIT|OFFSET|ORDER BY|GROUP BY)\b", part)
        for part in re.split(r"\bLATERAL\b", statement)[1:]
    )


def _recurses(statement: str) -> bool:
    return "WITH RECURSIVE" in statement


def _asks_a_table_for_each_row_of_none(statement: str) -> bool:
    return (
        re.search(r"\(SELECT [^()]*\([^()]*\([^()]*\)[^()]*\) FROM \w+ \w+ WHERE [^()]*= n\.", statement)
        is not None
    )


def _inserts_without_the_column(statement: str) -> bool:
    found = re.match(r'\s*INSERT INTO "?(\w+)"? \(([^)]*)\)', statement)
    if not found or found[1] not in DISTRIBUTED_BY:
        return False
    return DISTRIBUTED_BY[found[1]] not in re.findall(r"\w+", found[2])


def _updates_without_the_column(statement: str) -> bool:
    found = re.match(r'\s*UPDATE "?(\w+)"?', statement)
    if not found or found[1] not in DISTRIBUTED_BY:
        return False
    where = statement.rpartition(" WHERE ")[2]
    column = DISTRIBUTED_BY[found[1]]
    return not re.search(rf'(^|AND )(\w+\.)?"?{column}"? = ', where)


def _moves_a_row(statement: str) -> bool:
    changes = re.search(
        r"(?:UPDATE \S+(?: \w)? SET|DO UPDATE SET) (.*?)( FROM | WHERE |$)", statement, re.DOTALL
    )
    if changes is None:
        return False
    changed = set(re.findall(r'(?:^|, )"?(\w+)"? = ', changes[1]))
    return any(DISTRIBUTED_BY[table] in changed for table in tables_of(statement))


def _conflicts_beside_the_column(statement: str) -> bool:
    target = re.search(r"ON CONFLICT \(([^)]*)\)", statement)
    tables = tables_of(statement)
    return bool(target and tables and DISTRIBUTED_BY[tables[0]] not in re.findall(r"\w+", target[1]))


def _computes_where_rows_meet(statement: str) -> bool:
    changes = re.search(r"DO UPDATE SET (.*)", statement, re.DOTALL)
    return bool(changes and re.sub(r'"?\w+"? = EXCLUDED\."?\w+"?(, |\s*$)', "", changes[1]).strip())


def _joins_across_shards(statement: str) -> bool:
    tables = tables_of(statement)
    if statement.lstrip().startswith(("INSERT", "UPDATE")) or "WITH RECURSIVE" in statement:
        tables = tables[1:]
    # What stands in a subquery of its own is asked first.
    flat = re.sub(r"IN \(\s*SELECT.*?\)\s*(ORDER|$)", r"\1", statement, flags=re.DOTALL)
    tables = tables[: len(tables_of(flat))]
    columns = {DISTRIBUTED_BY[table] for table in tables}
    if len(tables) < 2:
        return False
    if len(columns) > 1:
        return True
    column = columns.pop()
    ties = re.findall(rf"USING \([^)]*\b{column}\b[^)]*\)|\b{column} = \w+\.{column}", flat)
    return len(ties) < len(tables) - 1


def _asks_for_chance_or_time(statement: str) -> bool:
    return (
        re.search(r"\b(random|gen_random_uuid|nextval|now|clock_timestamp|uuidv7)\(", statement) is not None
    )


RULES: dict[str, Callable[[str], bool]] = {
    "locks rows of more than one shard": _locks_many_shards,
    "forces one plan for all parameters": _forces_one_plan,
    "limits or sorts in a lateral subquery": _limits_a_lateral_subquery,
    "recurses": _recurses,
    "asks a table for each row of no table": _asks_a_table_for_each_row_of_none,
    "inserts without the column of distribution": _inserts_without_the_column,
    "updates rows that the column of distribution does not find": _updates_without_the_column,
    "changes the column of distribution": _moves_a_row,
    "meets rows by a key without the column of distribution": _conflicts_beside_the_column,
    "computes in DO UPDATE": _computes_where_rows_meet,
    "joins across shards": _joins_across_shards,
    "asks for chance or time": _asks_for_chance_or_time,
}


def broken_by(statement: str) -> set[str]:
    """The rules that a statement breaks."""
    return {name for name, is_broken in RULES.items() if is_broken(statement)}
