"""The table of figures: each row fits the function that draws it."""

import inspect
from importlib import import_module

import click
import pytest
from vidkit_cli.options import together
from vidkit_cli.plot.draw_and_tell import command_of
from vidkit_cli.plot.figures import FIGURES, FigureRow

from vidkit.plots.figure import Drawing


@pytest.mark.parametrize("name", FIGURES)
def test_the_options_of_a_figure_are_what_its_function_takes_by_name(name: str) -> None:
    figure = FIGURES[name]
    taken = inspect.signature(import_module(f"vidkit.plots.{figure.module}").draw).parameters.values()
    by_name = {each.name for each in taken if each.kind is inspect.Parameter.KEYWORD_ONLY}
    own = {option.name for option in click.command(together(*figure.options)(lambda: None)).params}
    assert by_name - {"skip"} == own | {"width"}  # skip: of results, whether none was named


@pytest.mark.parametrize("name", FIGURES)
def test_the_function_of_a_figure_gives_a_drawing(name: str) -> None:
    draw = import_module(f"vidkit.plots.{FIGURES[name].module}").draw
    assert inspect.signature(draw, eval_str=True).return_annotation is Drawing


@pytest.mark.parametrize("name", FIGURES)
def test_no_option_is_given_twice(name: str) -> None:
    names = [option.name for option in command_of(name, FIGURES[name]).params]
    assert len(set(names)) == len(names)


def test_the_help_has_the_text_what_a_run_is_and_the_examples() -> None:
    figure: FigureRow = FIGURES["gate"]
    parts = figure.help.split("\n\n")
    assert parts == [figure.text, figure.inputs.run, parts[2]]
    assert parts[2] == "\b\nExamples:\n  " + "\n  ".join(figure.examples)
