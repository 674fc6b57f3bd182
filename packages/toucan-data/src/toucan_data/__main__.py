"""``python -m toucan_data``: the command line, see `toucan_data.cli`."""

from __future__ import annotations

from toucan_data.cli import main

main()
