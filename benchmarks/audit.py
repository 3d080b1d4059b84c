"""What is installed beside vidkit, with its licence, and whether a known weakness of it was published.

    python benchmarks/audit.py                # a table: package, version, licence, what asks for it
    python benchmarks/audit.py --vulnerable   # with pip-audit, if it is installed: exit 1 where something was found

The table is of this environment; `pip-audit` asks PyPI for what is known of each version.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec

ROOT = "vidkit-vod"
_CLASSIFIER = "License :: OSI Approved :: "


def needed(name: str, asked_by: str = "", seen: set[str] | None = None) -> Iterator[tuple[Distribution, str]]:
    """Yield the distributions that `name` needs, extras too, where they are installed, with what asks for each."""
    seen = set() if seen is None else seen
    plain = re.sub(r"[-_.]+", "-", name).lower()
    if plain in seen:
        return
    seen.add(plain)
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return
    yield found, asked_by
    for requirement in found.requires or ():
        if "extra ==" in requirement and plain != ROOT:
            continue
        other = re.match(r"[A-Za-z0-9._-]+", requirement)
        if other:
            yield from needed(other[0], plain, seen)


def licence_of(found: Distribution) -> str:
    """The licence that a distribution tells, in a few words; "?" where it tells none."""
    told = found.metadata
    classifiers = [c.removeprefix(_CLASSIFIER) for c in told.get_all("Classifier", []) if c.startswith(_CLASSIFIER)]
    text = told.get("License-Expression") or ", ".join(classifiers) or (told.get("License") or "?").splitlines()[0]
    return text[:60]


def main() -> int:
    """Print the table; with --vulnerable ask pip-audit too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vulnerable", action="store_true", help="ask pip-audit for known weaknesses")
    given = parser.parse_args()
    rows = [(f.name, f.version, licence_of(f), by) for f, by in needed(ROOT)]
    for name, version, licence, by in sorted(rows, key=lambda row: row[0].lower()):
        print(f"{name:<28} {version:<18} {licence:<60} {by}".rstrip())
    if not given.vulnerable:
        return 0
    if find_spec("pip_audit") is None:
        print("pip-audit isn't installed: pip install pip-audit", file=sys.stderr)
        return 2
    return subprocess.run([sys.executable, "-m", "pip_audit", "--skip-editable"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
