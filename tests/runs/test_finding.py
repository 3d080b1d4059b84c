from pathlib import Path

import pytest

from tests.makers import make_index, make_predictions
from vidkit.errors import ChoiceError
from vidkit.evaluation.evaluate import evaluate
from vidkit.evaluation.result import write_result
from vidkit.predictions.predictions_file import write_predictions
from vidkit.runs.finding import find_run, find_runs, results_folder, run_names


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a run called one, and one called scored of which only the result is left."""
    monkeypatch.chdir(tmp_path)
    index = make_index()
    predictions = make_predictions(index)
    write_predictions(tmp_path / "runs/one/predictions.h5", predictions)
    write_predictions(tmp_path / "elsewhere/mine.h5", predictions)
    score(tmp_path / "elsewhere/mine.h5", Path("runs/scored/result.json"))
    return tmp_path


def score(predictions: Path, result: Path) -> None:
    from dataclasses import replace

    index = make_index()
    found = evaluate(index, make_predictions(index))
    write_result(result, replace(found, data={**found.data, "predictions_file": str(predictions)}))


RUNS = Path("runs")


@pytest.mark.parametrize("run", ["one", "runs/one", "runs/one/", "runs/one/predictions.h5"])
def test_a_file_a_folder_and_a_name_are_the_same_run(place: Path, run: str) -> None:
    found = find_run(run, RUNS)
    assert (found.name, found.result) == ("one", None)
    assert [file.resolve() for file in found.files] == [place / "runs/one/predictions.h5"]


@pytest.mark.parametrize("run", ["scored", "runs/scored", "runs/scored/result.json"])
def test_a_result_leads_to_what_it_was_made_of(place: Path, run: str) -> None:
    found = find_run(run, RUNS)
    assert (found.name, found.files) == ("scored", (place / "elsewhere/mine.h5",))
    assert found.result is not None and found.result.name == "result.json"


def test_predictions_beside_a_result_go_first(place: Path) -> None:
    score(place / "elsewhere/mine.h5", Path("runs/one/result.json"))
    assert find_run("one", RUNS).result is None
    found = find_run("runs/one/result.json", RUNS)
    assert found.files[0].resolve() == place / "runs/one/predictions.h5" and found.result is not None


def test_a_folder_of_text_is_a_file_of_predictions(place: Path) -> None:
    (place / "mot").mkdir()
    (place / "mot/video.txt").write_text("1,1,0,0,5,5,0.5\n")
    assert find_run("mot", RUNS).files == (Path("mot"),)


def test_a_place_of_its_own_goes_before_the_runs_folder(place: Path) -> None:
    (place / "one").mkdir()
    assert find_run("one", RUNS).files[0].parent == RUNS / "one"  # an empty folder is no run
    write_predictions(place / "one/predictions.h5", make_predictions(make_index()))
    assert find_run("one", RUNS).files == (Path("one/predictions.h5"),)


def test_what_is_there_is_listed_where_a_run_is_not(place: Path) -> None:
    with pytest.raises(ChoiceError, match=r"^on: no such run \(did you mean 'one'\?\); .* in runs: one$"):
        find_run("on", RUNS)
    with pytest.raises(ChoiceError, match=r"^elsewhere: no predictions\.h5 in it"):
        find_run("elsewhere", RUNS)
    with pytest.raises(ChoiceError, match=r"^one: no result\.json in it; .* runs with results in runs: scored$"):
        find_run("one", RUNS, "results")
    with pytest.raises(ChoiceError, match=r"^one: no weight maps in it; .* in runs: none$"):
        find_run("one", RUNS, "weight maps")
    (place / "elsewhere/mine.h5").unlink()
    with pytest.raises(ChoiceError, match=r"mine\.h5, which isn't there any more"):
        find_run("scored", RUNS)


def test_runs_have_names_of_their_own_and_each_comes_once(place: Path) -> None:
    write_predictions(place / "other/one/predictions.h5", make_predictions(make_index(), seed=1))
    found = find_runs(["one", "runs/one", "other/one"], RUNS)
    assert list(found) == ["one", "other/one"]


def test_without_a_name_all_are_meant(place: Path) -> None:
    assert list(find_runs([], RUNS)) == run_names(RUNS) == ["one"]
    assert list(find_runs([], RUNS, "results")) == ["scored"]
    with pytest.raises(ChoiceError, match="nowhere: no predictions there; `vidkit benchmark`"):
        find_runs([], Path("nowhere"))


def test_results_go_beside_predictions_in_the_runs_folder(place: Path) -> None:
    assert results_folder(Path("runs/one/predictions.h5"), RUNS) == Path("runs/one")
    assert results_folder(Path("elsewhere/mine.h5"), RUNS) == Path("runs/mine")


def test_files_of_one_name_have_results_of_their_own(place: Path) -> None:
    files = [place / "work_dirs" / exp / "results.pkl" for exp in ("a", "b", "x/b")]
    folders = []
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"")
        for _ in range(2):  # again, it is the same folder
            folders.append(results_folder(file, RUNS))
            score(file, folders[-1] / "result.json")
    assert [str(folder) for folder in folders[::2]] == ["runs/results", "runs/b-results", "runs/x-b-results"]
    assert folders[::2] == folders[1::2]
    files[0].unlink()  # what isn't there any more needs no folder
    assert results_folder(place / "work_dirs/c/results.pkl", RUNS) == Path("runs/results")
    assert results_folder(files[1], RUNS) == Path("runs/b-results")


def test_a_loop_over_all_places_finds_the_same(place: Path) -> None:
    """The plain rule: as it is written, else under the runs folder; a file, else what lies in the folder."""
    for run in ("one", "scored", "runs/one", "elsewhere/mine.h5", "runs/scored/result.json"):
        for path in (Path(run), RUNS / run):
            if path.is_file() or (path / "predictions.h5").is_file() or (path / "result.json").is_file():
                break
        if path.is_dir():
            path = path / ("predictions.h5" if (path / "predictions.h5").is_file() else "result.json")
        wanted = place / "elsewhere/mine.h5" if path.name == "result.json" else path
        assert find_run(run, RUNS).files[0].resolve() == wanted.resolve()
