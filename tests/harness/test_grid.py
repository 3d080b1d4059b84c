import pytest

from vidkit.errors import ChoiceError
from vidkit.harness.grid import grid


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("l=3", ["3"]),
        ("l=1..4", ["1", "2", "3", "4"]),
        ("l=1,2,5..7", ["1", "2", "5", "6", "7"]),
        ("g=0..1:0.125", ["0", "0.125", "0.25", "0.375", "0.5", "0.625", "0.75", "0.875", "1"]),
        ("g=0..1:0.3", ["0", "0.3", "0.6", "0.9"]),
        ("g=0.1..0.3:0.1", ["0.1", "0.2", "0.3"]),
        ("n=-2..0", ["-2", "-1", "0"]),
        ("n=5..5", ["5"]),
        ("n=1,1..2", ["1", "2"]),
        ("n=10..30:10", ["10", "20", "30"]),
        ("path=../x", ["../x"]),
        ("a=b=c", ["b=c"]),
        ("base_options=seconds=0.1,blur=2", ["seconds=0.1,blur=2"]),
        ("a=x,y", ["x,y"]),
        ("a=", [""]),
    ],
)
def test_values_of_an_option(option, values):
    name = option.partition("=")[0]
    assert grid([option]) == [(f"{name}={value}",) for value in values]


def test_every_combination_the_last_option_fastest():
    assert grid(["a=1..2", "b=x", "b=y"]) == [("a=1", "b=x"), ("a=1", "b=y"), ("a=2", "b=x"), ("a=2", "b=y")]


def test_no_options_are_one_run():
    assert grid([]) == [()]


@pytest.mark.parametrize("option", ["l=5..1", "l=1..5:0", "l=1..5:-1"])
def test_ranges_that_lead_nowhere(option):
    with pytest.raises(ChoiceError, match="a range goes up"):
        grid([option])


@pytest.mark.parametrize("options", [["l=1..99999999999"], ["a=1..100", "b=1..100"], ["g=0..1:0.0000001"]])
def test_too_many_runs(options):
    with pytest.raises(ChoiceError, match="at most 1000"):
        grid(options)
