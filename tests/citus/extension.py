"""Citus as far as ``ledger migrate --citus`` speaks to it, on a plain PostgreSQL: what is placed, and what was called.

A schema of functions and tables by the names that Citus gives them, found by the search path. They hold the order of
calls and the answers of the catalog to what Citus demands (no triggers on what is placed, referenced tables first, a
group that is there); they move no row.
"""

from typing import Any

import psycopg

SCHEMA = """
CREATE SCHEMA beside;
CREATE TABLE beside.settings (version text NOT NULL, replicas text, guards text NOT NULL);
CREATE TABLE beside.calls (number integer GENERATED ALWAYS AS IDENTITY, call text NOT NULL);
CREATE TABLE beside.placed (
    table_name regclass PRIMARY KEY, citus_table_type text NOT NULL, distribution_column text NOT NULL,
    colocation_id integer NOT NULL
);
CREATE VIEW beside.citus_tables AS SELECT * FROM beside.placed;
CREATE VIEW beside.pg_extension AS
    SELECT oid, CAST('citus' AS name) AS extname, (SELECT version FROM beside.settings) AS extversion
      FROM pg_catalog.pg_extension WHERE extname = 'plpgsql';

CREATE FUNCTION beside.run_command_on_workers(command text)
    RETURNS TABLE (nodename text, nodeport integer, success boolean, result text) LANGUAGE sql AS
    $$ SELECT 'worker-1', 5432, true, guards FROM beside.settings
        WHERE command = 'SHOW citus.enable_unsafe_triggers' $$;

CREATE FUNCTION beside.current_setting(name text, missing_ok boolean) RETURNS text LANGUAGE sql AS
    $$ SELECT CASE name WHEN 'citus.shard_replication_factor' THEN (SELECT replicas FROM beside.settings)
              ELSE pg_catalog.current_setting(name, missing_ok) END $$;

CREATE FUNCTION beside.check_fit(wanted regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE missing text;
BEGIN
    IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = wanted AND NOT tgisinternal) THEN
        RAISE EXCEPTION 'cannot distribute relation "%" because it has triggers', wanted;
    END IF;
    IF current_setting('citus.multi_shard_modify_mode', true) IS DISTINCT FROM 'sequential'
        OR current_setting('citus.enable_unsafe_triggers', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'the settings are not those that % is to be placed with', wanted;
    END IF;
    SELECT confrelid::regclass::text INTO missing FROM pg_constraint
     WHERE conrelid = wanted AND contype = 'f' AND confrelid NOT IN (SELECT table_name FROM beside.placed);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION '% refers to %, which is not placed', wanted, missing;
    END IF;
    IF EXISTS (SELECT FROM beside.placed WHERE table_name = wanted) THEN
        RAISE EXCEPTION 'table "%" is already distributed', wanted;
    END IF;
END $$;

CREATE FUNCTION beside.create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM beside.check_fit(table_name);
    INSERT INTO beside.calls (call) VALUES (format('reference %s', table_name));
    INSERT INTO beside.placed VALUES (table_name, 'reference', '<none>', 1);
END $$;

CREATE FUNCTION beside.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE colocation integer;
BEGIN
    PERFORM beside.check_fit(table_name);
    IF colocate_with = 'none' THEN
        SELECT max(colocation_id) + 1 INTO colocation FROM beside.placed;
    ELSE
        SELECT colocation_id INTO STRICT colocation FROM beside.placed p WHERE p.table_name = colocate_with::regclass;
    END IF;
    INSERT INTO beside.calls (call)
        VALUES (format('%s by %s with %s', table_name, distribution_column, colocate_with));
    INSERT INTO beside.placed VALUES (table_name, 'distributed', distribution_column, colocation);
END $$;
"""


class Extension:
    """Citus' names in one database, by its owner's connection."""

    def __init__(self, owner: "psycopg.Connection[Any]") -> None:
        self._owner = owner

    def install(self, version: str = "13.1-1", *, replicas: str = "1", guards: str = "on") -> None:
        """Let sessions that begin now find Citus, with these settings on its nodes."""
        name = self._owner.info.dbname
        self._owner.execute(SCHEMA)
        self._owner.execute("INSERT INTO beside.settings VALUES (%s, %s, %s)", (version, replicas, guards))
        # The system's own catalog is looked into last, so that the extension is found beside it.
        self._owner.execute(f"ALTER DATABASE {name} SET search_path = public, beside, pg_catalog")

    def calls(self) -> list[str]:
        """What was asked to be placed, in order."""
        return [call for (call,) in self._owner.execute("SELECT call FROM beside.calls ORDER BY number")]

    def forget(self, table: str) -> None:
        """Let a table be as one that a later migration has made: not placed."""
        self._owner.execute("DELETE FROM beside.placed WHERE table_name = %s::regclass", (table,))
