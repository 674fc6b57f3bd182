"""Rows of texts: a table on a terminal, else lines with tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from toucan_instrument.console.output import console, is_live, line

__all__ = ["show_rows"]


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[str]], *, plain: bool = False) -> None:
    """Write rows to stdout; a terminal gets the names of the columns above them.

    Args:
        columns: Their names.
        rows: The cells of each, as many as there are columns, with nothing in them that steers a terminal.
        plain: Lines with tabs, even on a terminal.

    Raises:
        ReaderGoneError: Nobody reads it.
    """
    if is_live(plain=plain, as_json=False):
        table = Table(box=None, pad_edge=False)
        for name in columns:
            table.add_column(name, no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        console().print(table)
        return
    for row in rows:
        line("\t".join(row))
