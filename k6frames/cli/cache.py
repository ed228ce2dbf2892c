"""The command that shows and clears the cache."""

from __future__ import annotations

import click

from k6frames.cli.messages import pluralize, printable
from k6frames.cli.options import examples


@click.command()
@click.option("--clear", is_flag=True, help="Remove the cached responses.")
@examples("k6frames cache", "k6frames cache --clear")
def cache(clear: bool) -> None:
    """Show or clear the cached responses.

    Prints the cache folder and, for each cache in it, the API's address, the number and size of the
    responses, and when they were fetched.
    """
    from k6frames.api.cache import clear_caches, list_caches
    from k6frames.api.settings import cache_root

    root = cache_root()
    caches = list_caches(root)
    click.echo(printable(str(root)))
    for info in caches:
        click.echo(f"  {printable(str(info))}")
    if not caches:
        click.echo("  nothing is cached")
    elif clear:
        clear_caches(root)
        click.echo(f"  {pluralize(len(caches), 'cache')} cleared")
