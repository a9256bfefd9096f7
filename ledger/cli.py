"""The operator's commands. What belongs to one package stands in that package and is added here."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from marshmallow import ValidationError
from sqlalchemy import Connection

import ledger
from ledger import citus, clock, migrate, preflight, serving
from ledger.access import ROLES
from ledger.access.register import (
    create_key,
    freeze_key,
    list_keys,
    revoke_key,
    rotate_key,
    unfreeze_key,
)
from ledger.access.roles import HEADQUARTERS_ROLES
from ledger.accounts.programs import create_program, find_program
from ledger.app import openapi_document
from ledger.command_line import (
    DEFAULT_PROGRAM,
    Place,
    data_option,
    opened,
    program_option,
    require_program,
    told_plainly,
)
from ledger.demo.cli import demo
from ledger.expiry.cli import expire
from ledger.finance.checkpoints.cli import checkpoint_command
from ledger.finance.checkpoints.export import evidence
from ledger.finance.cli import verify_command
from ledger.finance.exports.cli import export
from ledger.finance.metrics.watch_cli import watch_command
from ledger.finance.periods.cli import close_command, periods_command
from ledger.finance.reconciliation.cli import reconcile_command
from ledger.finance.report_cli import report_command
from ledger.finance.totals.cli import totals_command
from ledger.funds.cli import funds
from ledger.fx.cli import rates
from ledger.http.fields import RegionCode
from ledger.privacy.cli import erasures_command
from ledger.rules.cli import programs
from ledger.rules.simulation.cli import simulate
from ledger.rules.terms import DEFAULT_TERMS


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ledger.__version__, prog_name="ledger")
def main() -> None:
    """A double-entry ledger of loyalty points and growth value."""


@main.command()
@data_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.")
@click.option("--connections", type=click.IntRange(1, 65_536), help="Callers of each process at once.")
@told_plainly
def serve(data: Path | None, **listening: str | int | None) -> None:
    """Run the service.

    Without LEDGER_DATABASE_URL it runs PostgreSQL itself, in the data folder, and migrates it. With it,
    the schema must have been migrated before. Prints one line when it is ready to answer.
    """
    serving.stop_on_signals()
    with opened(data) as found:
        given: dict[str, Any] = {name: value for name, value in listening.items() if value is not None}
        place = replace(found, settings=replace(found.settings, **given))
        if place.server is not None:
            ensure_default_program(place)
        database = place.database()
        preflight.check(database, place.settings)
        # Before the fork: no worker may inherit a connection.
        database.close()
        serving.serve(place)


@main.command("migrate")
@data_option
@click.option(
    "--citus", "on_citus", is_flag=True, help="Distribute it over a Citus cluster, as far as it is not."
)
@told_plainly
def migrate_command(data: Path | None, on_citus: bool) -> None:
    """Bring the schema to this release, as the owner of the database."""
    with opened(data) as place:
        if on_citus:
            citus.require(place.owner_url)
        migrate.upgrade(place.owner_url, citus.SETTINGS if on_citus else None)
        placed = citus.distribute(place.owner_url) if on_citus else []
    click.echo(f"The schema is at {migrate.head()}.")
    if on_citus:
        click.echo(f"Tables that were placed now: {', '.join(placed) or 'none'}.")


@main.command()
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def openapi(form: str) -> None:
    """Print the OpenAPI document of this release."""
    sys.stdout.write(openapi_document(form))


@main.group()
def keys() -> None:
    """Make, list, rotate, freeze and revoke API keys."""


def _read_region(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    try:
        return None if given is None else str(RegionCode().read(given))
    except ValidationError as error:
        raise click.BadParameter(f"{given!r} {error.messages[0]}.") from error


@keys.command("create")
@data_option
@program_option
@click.option("--role", type=click.Choice(sorted(ROLES)), required=True, help="What the key may do.")
@click.option("--name", default="", help="Whose key it is, for the list.")
@click.option("--region", callback=_read_region, help="The one region whose rules it may make or decide on.")
@click.option("--expires-in", type=click.IntRange(1, 36_500), metavar="DAYS", help="Days until it lapses.")
@told_plainly
def create(
    data: Path | None, program: str, role: str, name: str, region: str | None, expires_in: int | None
) -> None:
    """Print a new key, and nothing else. It cannot be shown again."""
    if region is not None and role in HEADQUARTERS_ROLES:
        raise click.UsageError(f"A key of the role {role} speaks for headquarters, not for a region.")
    now = clock.system_now()
    expires_at = now + timedelta(days=expires_in) if expires_in else None
    with opened(data) as place, place.owner() as database:
        if place.server is not None:
            ensure_default_program(place)
        owner = require_program(database, program)
        key = database.run(
            lambda connection: create_key(
                connection, owner, role, now=now, name=name, expires_at=expires_at, region=region
            )
        )
    click.echo(key.token)


@keys.command("list")
@data_option
@click.option("--program", help="Name of the program; all of them without.")
@click.option(
    "--older-than",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Only those that have not ended and were made more days ago: they are due to be rotated.",
)
@told_plainly
def list_(data: Path | None, program: str | None, older_than: int | None) -> None:
    """List the keys; what a key says is not known."""
    now = clock.system_now()
    with opened(data) as place, place.owner() as database:
        chosen = require_program(database, program) if program else None
        with database.read() as connection:
            found = list_keys(connection, chosen)
    if older_than is not None:
        made_by = now - timedelta(days=older_than)
        found = [key for key in found if key.created_at < made_by and not key.has_ended(now)]
    for key in found:
        moments = (key.expires_at, key.revoked_at, key.last_used_at, key.frozen_at)
        fields = [key.key_id, key.program, key.role, key.region or "-", key.name or "-"]
        fields += [clock.show(moment) if moment else "-" for moment in moments]
        click.echo("\t".join([*fields, key.frozen_reason or "-"]))


why_option = click.option("--reason", default="", help="Why; kept with the key.")


@keys.command("rotate")
@data_option
@click.argument("key_id")
@why_option
@click.option(
    "--grace-days",
    type=click.IntRange(0, 3_650),
    default=7,
    show_default=True,
    help="How long both are good.",
)
@told_plainly
def rotate(data: Path | None, key_id: str, reason: str, grace_days: int) -> None:
    """Print a new key like this one, which lapses when the days of grace are over."""
    now, grace = clock.system_now(), timedelta(days=grace_days)
    with opened(data) as place, place.owner() as database:
        key = database.run(lambda connection: rotate_key(connection, key_id, now, grace, reason))
    if key is None:
        raise click.ClickException(f"There is no key {key_id!r} that is good now: make one with `create`.")
    click.echo(key.token)


@keys.command("freeze")
@data_option
@click.argument("key_id")
@click.option("--reason", required=True, help="Why, for the list.")
@told_plainly
def freeze(data: Path | None, key_id: str, reason: str) -> None:
    """Refuse a key at once, until it is set free again."""
    _change_key(data, key_id, lambda connection: freeze_key(connection, key_id, reason, clock.system_now()))
    click.echo(f"{key_id} is frozen.")


@keys.command("unfreeze")
@data_option
@click.argument("key_id")
@why_option
@told_plainly
def unfreeze(data: Path | None, key_id: str, reason: str) -> None:
    """Set a frozen key free."""
    _change_key(data, key_id, lambda connection: unfreeze_key(connection, key_id, clock.system_now(), reason))
    click.echo(f"{key_id} is free.")


@keys.command("revoke")
@data_option
@click.argument("key_id")
@why_option
@told_plainly
def revoke(data: Path | None, key_id: str, reason: str) -> None:
    """Revoke a key for good, at once. KEY_ID is the part between the two underscores."""
    _change_key(data, key_id, lambda connection: revoke_key(connection, key_id, clock.system_now(), reason))
    click.echo(f"{key_id} is revoked.")


def _change_key(data: Path | None, key_id: str, change: Callable[[Connection], bool]) -> None:
    with opened(data) as place, place.owner() as database:
        is_known = database.run(change)
    if not is_known:
        raise click.ClickException(f"There is no key {key_id!r}.")


main.add_command(demo)
main.add_command(programs)
main.add_command(expire)
main.add_command(funds)
main.add_command(rates)
main.add_command(erasures_command)
main.add_command(verify_command)
main.add_command(report_command)
main.add_command(watch_command)
main.add_command(totals_command)
main.add_command(close_command)
main.add_command(periods_command)
main.add_command(checkpoint_command)
main.add_command(export)
main.add_command(reconcile_command)
export.add_command(evidence)
main.add_command(simulate)


def ensure_default_program(place: Place) -> None:
    """Make the program ``default`` where there is none."""
    with place.owner() as database:
        database.run(
            lambda connection: (
                find_program(connection, DEFAULT_PROGRAM)
                or create_program(
                    connection,
                    DEFAULT_PROGRAM,
                    currency="CNY",
                    timezone="Asia/Shanghai",
                    terms=DEFAULT_TERMS,
                    now=clock.system_now(),
                )
            )
        )
