"""Check that the toucan packages named on the command line, and no others, came from files.

Run inside the environment to check: no index may ever have supplied one of them, and what is
imported must be what was installed, not a source tree that happens to lie on the path.
"""

import importlib
import json
import sys
from importlib.metadata import distributions
from pathlib import Path


def main(expected: list[str]) -> None:
    """Exit with a complaint unless the installed packages are as they should be."""
    ours = {
        found.name.removeprefix("toucan-"): found
        for found in distributions()
        if found.name.startswith("toucan-")
    }
    if sorted(ours) != sorted(expected):
        sys.exit(f"of ours, {sorted(ours)} are installed, and not {sorted(expected)}")
    for name, found in ours.items():
        origin = json.loads(found.read_text("direct_url.json") or "{}").get("url", "")
        if not origin.startswith("file:"):
            sys.exit(f"toucan-{name} was supplied by an index")
        module = Path(str(importlib.import_module(f"toucan_{name}").__file__)).resolve()
        if "site-packages" not in module.parts:
            sys.exit(f"toucan_{name} is imported from the source tree, not as installed")
        if not module.with_name("py.typed").is_file():
            sys.exit(f"toucan_{name} is installed without its py.typed")


if __name__ == "__main__":
    main(sys.argv[1:])
