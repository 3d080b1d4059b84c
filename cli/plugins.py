"""`vidkit plugins`: the detectors that are installed, and those that are broken and why."""

import sys
from contextlib import redirect_stdout
from traceback import format_exception
from typing import Any

import click

from .console import echo, json_option, print_json


@click.command("plugins")
@json_option
def command(as_json: bool) -> None:
    """List the detectors that are installed, with their options; a broken one with the reason.

    Each is imported to see whether it works; with --json a broken one has its traceback. It spoils no other command.
    Where only a library is missing, the command that installs it is told.

    \b
    Examples:
      vidkit plugins
      vidkit plugins --json
    """
    with redirect_stdout(sys.stderr):  # what a plug-in prints at import must not get between the data
        found = _look()
    if as_json:
        print_json({"format": "vidkit-plugins", "version": 1, "detectors": found})
        return
    for plugin in found:
        echo(f"{plugin['name']}  ({plugin['target']}, {plugin['distribution']})")
        echo(f"    {_state(plugin)}")
        for option in plugin["options"]:
            echo(f"    --option {option['text']}")
    if not found:
        echo("none installed; see docs/writing_a_detector.md")


def _state(plugin: dict[str, Any]) -> str:
    if not plugin["broken"]:
        return str(plugin["help"])
    return f"{'NOT INSTALLED' if plugin['missing'] else 'BROKEN'}: {plugin['broken']}"


def _look() -> list[dict[str, Any]]:
    from vidkit.harness.plugins import conflict, installed

    plugins = installed()
    found = []
    for plugin in plugins:
        same = [other for other in plugins if other.name == plugin.name]
        about: dict[str, Any] = {
            "name": plugin.name,
            "target": plugin.target,
            "distribution": plugin.distribution,
            "broken": conflict(plugin.name, same) if len(same) > 1 else None,
            "missing": False,
            "help": "",
            "options": [],
        }
        found.append(about if about["broken"] else about | _import(plugin.name))
    return found


def _import(name: str) -> dict[str, Any]:
    """Return what a detector's factory tells, or why it is broken."""
    from vidkit.errors import DetectorError, MissingLibraryError
    from vidkit.harness.detector_options import REQUIRED, options_of
    from vidkit.harness.plugins import find, load

    try:
        factory = load(find(name))
        options = options_of(factory).values()
    except DetectorError as error:
        cause, missing = error.__cause__, isinstance(error, MissingLibraryError)
        return {
            "broken": str(error),
            "missing": missing,
            "traceback": "".join(format_exception(cause)) if cause and not missing else "",
        }
    first_line = (factory.__doc__ or "").strip().partition("\n")[0]
    return {
        "help": first_line,
        "options": [
            {"name": o.name, "text": str(o), "required": o.default is REQUIRED}
            | ({} if o.default is REQUIRED else {"default": o.default})
            for o in options
        ],
    }
