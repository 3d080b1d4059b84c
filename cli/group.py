"""Groups of commands: a near match for what is misspelt, and commands that are imported only when they are called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class SuggestingGroup(click.Group):
    """A group that answers an unknown command with the nearest one it has."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command of this name; a UsageError that suggests a near match if there is none."""
        from vidkit.errors import did_you_mean

        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r}{did_you_mean(name, known)}.")
        return super().resolve_command(ctx, args)


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported on use: its help reads only the table.

    The table is name: (module of `package`, first line of its help); the module's click command is called `command`.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], package: str, **kwargs: Any) -> None:
        """Take the table and what click's groups take."""
        super().__init__(*args, **kwargs)
        self._table, self._package = table, package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of this name."""
        if cmd_name not in self._table:
            return None
        command: click.Command = import_module(f".{self._table[cmd_name][0]}", self._package).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the help lines of the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])
