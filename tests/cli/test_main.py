import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from vidkit_cli.console import BAD_INPUT, BAD_USAGE, DONE, INTERRUPTED, report_errors
from vidkit_cli.main import COMMANDS, vidkit
from vidkit_cli.plot import command as plot
from vidkit_cli.plot.figures import FIGURES

HEAVY = {"torch", "torchvision", "numpy", "pandas", "matplotlib", "h5py", "scipy", "pycocotools", "PIL", "rich", "av"}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The command lines of `command` and of all that is below it."""
    found = [path]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            found += leaves(below, (*path, name))
    return found


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "vidkit_cli.main", *args], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "args", [["--help"], [], ["-h"], ["--version"], ["nonsense"], ["plot", "--help"], ["plot", "gate", "--help"]]
)
def test_nothing_heavy_is_imported_before_a_command_runs(args: list[str]) -> None:
    code = (
        "import sys\nfrom vidkit_cli.console import report_errors\nfrom vidkit_cli.main import vidkit\n"
        f"report_errors(vidkit, {args!r})\n"
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


def test_importing_a_command_imports_nothing_heavy() -> None:
    modules = [module for module, _ in COMMANDS.values()]
    code = (
        "import sys\nfrom importlib import import_module\n"
        f"[import_module('vidkit_cli.' + name) for name in {modules!r}]\n"
        f"print('LOADED', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LOADED []" in done.stdout


def test_help_lists_every_command_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["--help"]) == DONE
    listed = re.findall(r"^  (\w+)  ", capsys.readouterr().out.split("Commands:")[1], re.MULTILINE)
    assert listed == list(COMMANDS)


@pytest.mark.parametrize(("group", "name"), [(vidkit, name) for name in COMMANDS] + [(plot, name) for name in FIGURES])
def test_the_table_tells_the_module_of_a_command_and_its_name(group: click.Group, name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name


@pytest.mark.parametrize(
    ("args", "near"), [(["evl"], "eval"), (["plot", "speed-acuracy"], "speed-accuracy"), (["weights", "mops"], "maps")]
)
def test_an_unknown_command_suggests_a_near_one(args: list[str], near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, args) == BAD_USAGE
    assert f"No such command {args[-1]!r} (did you mean {near!r}?)." in capsys.readouterr().err


def test_every_command_has_examples_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    for path in leaves(vidkit):
        assert report_errors(vidkit, [*path, "--help"]) == DONE
        text = capsys.readouterr().out
        assert "Examples:" in text, path
        assert re.search(rf"^ +vidkit {' '.join(path)}", text.split("Examples:")[1], re.MULTILINE), path
        if "Commands:" not in text:
            assert "--json" in text, path


@pytest.mark.parametrize(("wrong", "meant"), [("prepair", "prepare"), ("evl", "eval"), ("inof", "info")])
def test_an_unknown_command_suggests_a_known_one(wrong: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, [wrong]) == BAD_USAGE
    assert f"did you mean {meant!r}" in capsys.readouterr().err.lower()


def test_a_command_like_no_other_gets_no_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["xyzzy"]) == BAD_USAGE
    error = capsys.readouterr().err
    assert "No such command 'xyzzy'" in error
    assert "did you mean" not in error.lower()


def test_bad_usage_is_told_as_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["info", "--nonsense", "--json"]) == BAD_USAGE
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["kind"] == "UsageError"
    assert streams.err == ""


def test_bad_input_is_one_line_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.h5")
    assert report_errors(vidkit, ["info", missing]) == BAD_INPUT
    streams = capsys.readouterr()
    assert streams.out == ""
    assert re.fullmatch(r"FormatError: .*none\.h5: can't be read: .*\n", streams.err)
    assert report_errors(vidkit, ["info", missing, "--json"]) == BAD_INPUT
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["kind"] == "FormatError"
    assert "none.h5" in error["message"]


def test_an_interrupt_has_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def command() -> None:
        raise KeyboardInterrupt

    assert report_errors(command, []) == INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_exit_codes_reach_the_shell(tmp_path: Path) -> None:
    assert run("--help").returncode == DONE
    assert run("nonsense").returncode == BAD_USAGE
    done = run("info", str(tmp_path / "none.h5"))
    assert done.returncode == BAD_INPUT
    assert "Traceback" not in done.stderr


def test_version_names_what_a_result_may_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_errors(vidkit, ["--version"]) == DONE
    text = capsys.readouterr().out
    assert re.match(r"vidkit \d+\.\d+", text)
    for name in ("Python", "numpy", "h5py", "torch"):
        assert re.search(rf"^{name} ", text, re.MULTILINE)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_there(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VIDKIT_COMPLETE", f"{shell}_source")
    assert "_VIDKIT_COMPLETE" in run().stdout


def test_completion_offers_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VIDKIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "vidkit pr")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "plain,prepare" in run().stdout
