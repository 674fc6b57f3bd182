"""``python -m toucan_execution``: the command line, see `toucan_execution.cli`."""

from __future__ import annotations

from toucan_execution.cli import main

main()
