"""``ledger export``: the books in forms that strangers can read and check without this package."""

import click


@click.group("export")
def export() -> None:
    """Write the books out for those who audit them."""
