"""What every command shares: errors in one style, JSON, progress, tables. Data go to stdout, all else to stderr."""

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from vidkit.progress import Advance, no_progress
from vidkit.safe_text import message, printable, printable_lines

UNFOLDED = 10_000  # columns where stdout is no terminal: a line of a table stays a line for grep and diff
NO_MEMORY = "there isn't memory enough for this; the file asks for too much, or a smaller part must do"
DONE, BAD_INPUT, BAD_USAGE, FINDINGS, INTERRUPTED = 0, 1, 2, 3, 130

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


def report_errors(command: click.Command, args: Sequence[str] | None = None) -> int:
    """Run `command` and return its exit code; errors go to stderr, or as JSON to stdout where --json was given."""
    from vidkit.errors import ArgumentError, VidkitError

    given = list(sys.argv[1:] if args is None else args)
    as_json = "--json" in given
    try:
        code = command.main(given, prog_name="vidkit", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except click.UsageError as error:
        if as_json:
            return _fail_as_json(error.format_message(), BAD_USAGE)
        error.show()
        return BAD_USAGE
    except ArgumentError as error:
        if as_json:
            return _fail_as_json(str(error), BAD_USAGE)
        return _fail(f"Error: {message(str(error))}", BAD_USAGE)
    except VidkitError as error:
        if as_json:
            return _fail_as_json(str(error), BAD_INPUT, type(error).__name__)
        return _fail(f"{type(error).__name__}: {error}", BAD_INPUT)
    except MemoryError:
        if as_json:
            return _fail_as_json(NO_MEMORY, BAD_INPUT, "MemoryError")
        return _fail(f"MemoryError: {NO_MEMORY}", BAD_INPUT)
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except OSError as error:  # an output that can't be written: no such place, no right, no space
        if error.filename is None and error.errno is None:
            raise
        said = message(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        if as_json:
            return _fail_as_json(said, BAD_INPUT, type(error).__name__)
        return _fail(f"{type(error).__name__}: {said}", BAD_INPUT)


def _fail(line: str, code: int) -> int:
    click.echo(line, err=True)
    return code


def _fail_as_json(said: str, code: int, kind: str = "UsageError") -> int:
    print_json({"format": "vidkit-error", "version": 1, "error": {"kind": kind, "message": said}})
    return code


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout; NaN and infinities become null, numpy scalars and arrays become plain values."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False)
    click.echo(_UNPRINTABLE.sub(_json_escape, text))


_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def _json_escape(found: re.Match[str]) -> str:
    """The escape of a character that json.dumps writes as it is, though it steers a terminal."""
    return f"\\u{ord(found[0]):04x}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "", left: int = 1) -> None:
    """Print a table to stdout: the first `left` columns to the left, the others, numbers mostly, to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(printable(str(cell)) for cell in row))
    console = Console(highlight=False, markup=False, width=None if _is_terminal(sys.stdout) else UNFOLDED)
    with console.capture() as captured:
        console.print(table)
    if title:
        echo(title)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: the stream was closed before the start


def echo(text: object = "", newline: bool = True) -> None:
    """Print text for people to stdout: what is in it of names in files can't steer the terminal."""
    click.echo(printable_lines(str(text)), nl=newline)


def say(text: str) -> None:
    """Print a message for people to stderr."""
    click.echo(printable_lines(text), err=True)


@contextmanager
def progress(title: str, total: int, unit: str) -> Iterator[Advance]:
    """Show a progress bar with count and time left on stderr; where that is no terminal `advance` does nothing."""
    if not _is_terminal(sys.stderr):
        with no_progress(title, total, unit) as advance:
            yield advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task(title, total=total, note="")

        def move(steps: int, note: str = "") -> None:
            bar.update(task, advance=steps, note=note)

        yield move
