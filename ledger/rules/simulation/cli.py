"""``ledger simulate``: try rules on stored history, with a bar on the way and tables in the end."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ledger import clock
from ledger.accounts.program import HEADQUARTERS, Program
from ledger.command_line import Place, data_option, opened, program_option, require_program, told_plainly
from ledger.rules.register import require_version
from ledger.rules.simulation.drafts import Draft, Selection
from ledger.rules.simulation.runs import Simulation
from ledger.rules.simulation.trials import check_content, check_terms

_ROWS = 15


def _read_instant(_context: click.Context, _option: click.Parameter, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        read = datetime.fromisoformat(given)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise click.BadParameter(f"{given!r} is no time with a zone, such as 2026-03-01T00:00:00+08:00.")
    return read.astimezone(UTC)


_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("simulate")
@data_option
@program_option
@click.option("--rules", type=_file, help="A file with the JSON of a rule set.")
@click.option("--version", type=click.IntRange(1), help="A version of the rule sets of the owner instead.")
@click.option("--owner", default=HEADQUARTERS, help="The region whose rules it would be; else headquarters.")
@click.option("--terms", type=_file, help="A file with the JSON of the program's terms.")
@click.option("--from", "start", callback=_read_instant, metavar="TIME", help="The draft holds from then on.")
@click.option("--until", "end", callback=_read_instant, metavar="TIME", help="And before then.")
@click.option("--region", help="Only what was bought and done in this region.")
@click.option("--sample-percent", type=click.IntRange(1, 100), default=100, help="So many of the members.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole report as JSON.")
@told_plainly
def simulate(
    data: Path | None,
    program: str,
    rules: Path | None,
    version: int | None,
    owner: str,
    terms: Path | None,
    as_json: bool,
    **selected: Any,
) -> None:
    """Replay stored history under a draft of rules, and print what would be different.

    Writes nothing. The service may go on posting meanwhile: all is read from one snapshot.
    """
    if rules is not None and version is not None:
        raise click.UsageError("Give either --rules or --version.")
    if rules is None and version is None and terms is None:
        raise click.UsageError("Give --rules, --version or --terms: something to try.")
    with opened(data) as place:
        draft = _draft(place, program, owner, rules, version, terms)
        started_ns = time.monotonic_ns()
        report = _run(place, program, draft, Selection(**selected))
        milliseconds = max((time.monotonic_ns() - started_ns) // 1_000_000, 1)
    pace = report["read"]["purchases"] * 1_000 // milliseconds
    click.echo(f"{milliseconds:,} ms, {pace:,} purchases a second", err=True)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        show(report, Console(highlight=False))


def _draft(
    place: Place, name: str, owner: str, rules: Path | None, version: int | None, terms: Path | None
) -> Draft:
    """What the files and options name; ends the command where it could not be saved."""
    database = place.database()
    try:
        program = require_program(database, name)
        draft = Draft(owner, terms=_text(terms, lambda found: check_terms(program, found)))
        if version is None:
            return replace(draft, content=_text(rules, lambda found: _check(program, owner, found)))
        with database.read() as connection:
            found = require_version(connection, program, owner, version)
        return replace(draft, version=version, content=found.content)
    finally:
        database.close()


def _check(program: Program, owner: str, content: Mapping[str, Any]) -> None:
    check_content(program, owner, content, program.now(clock.system_now()))


def _text(path: Path | None, check: Callable[[Mapping[str, Any]], None]) -> str | None:
    if path is None:
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise click.ClickException(f"{path} is no JSON: {error}.") from error
    if not isinstance(content, dict):
        raise click.ClickException(f"{path} holds no object.")
    check(content)
    return json.dumps(content)


def _run(place: Place, name: str, draft: Draft, selection: Selection) -> dict[str, Any]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("baskets"), TimeRemainingColumn())
    with Progress(
        TextColumn("{task.description}"), *columns, console=Console(stderr=True), refresh_per_second=4
    ) as progress:
        task = progress.add_task(name, total=None)
        simulation = Simulation(place.settings, place.app_url, name, draft, selection, clock.system_now())
        try:
            steps = simulation.steps()
            while True:
                step = next(steps)
                progress.update(task, completed=step.baskets, total=step.of)
        except StopIteration as stop:
            report: dict[str, Any] = stop.value
            return report
        finally:
            simulation.close()


def show(report: Mapping[str, Any], console: Console) -> None:
    """The report as tables; of the long ones the rows that change most."""
    read = ", ".join(f"{number:,} {name}" for name, number in report["read"].items() if number)
    console.print(f"Program {report['program']}: {read}", style="bold")
    console.print(_table("In all", ("", "active", "draft", "difference"), _totals(report["totals"])))
    for title, rows, names in (
        ("Rules", report["rules"], ("rule", "unit")),
        ("Stores", report["stores"], ("code",)),
        ("Regions", report["regions"], ("code",)),
        ("Tiers, as the active world had them", report["tiers"]["by_tier"], ("code",)),
        ("Budgets", report["funds"], ("fund",)),
        ("Members who gain most", report["members"]["gain"], ("member_id",)),
        ("Members who lose most", report["members"]["lose"], ("member_id",)),
    ):
        if rows:
            pairs = [
                _pair([row[name] for name in names], row.get("points", row.get("amount"))) for row in rows
            ]
            console.print(_table(title, ("", "active", "draft", "difference"), pairs[:_ROWS]))
    tiers = report["tiers"]
    if tiers["matrix"]:
        console.print(f"In the end {tiers['higher']:,} members stand higher and {tiers['lower']:,} lower.")
        rows = ((row["active"], row["draft"], f"{row['members']:,}") for row in tiers["matrix"])
        console.print(_table("Tiers in the end", ("active", "draft", "members"), rows))
    for note in report["notes"]:
        console.print(f"- {note['en']}", soft_wrap=True)


def _totals(totals: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for unit, worlds in totals.items():
        for name in worlds["active"]:
            pair = {world: worlds[world][name] for world in ("active", "draft", "difference")}
            yield _pair([unit, name.replace("_", " ")], pair)


def _pair(names: Iterable[str], pair: Mapping[str, int]) -> tuple[str, ...]:
    label = " ".join(name or "(unknown)" for name in names)
    return (label, f"{pair['active']:,}", f"{pair['draft']:,}", f"{pair['difference']:+,}")


def _table(title: str, heads: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    return table
