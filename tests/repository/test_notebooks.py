"""The notebooks were run and read well, their exercises can be solved, and what they are built from works.

That the cells run and give the saved outputs is nbval's part (`make test`).
"""

import base64
import re
import statistics

import cv2
import nbformat
import numpy as np
import pytest
from helpers.paths import ROOT
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets import IntSlider

import acga
from acga.teaching.exercises import check
from acga.widgets import Scrubber, scrub
from acga.widgets.scrubber import _captioned

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 1_500_000  # bytes
UNANSWERED = "answer = ..."
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def text_outputs(cell):
    """All that a code cell printed or returned as text."""
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)


def test_there_are_notebooks():
    assert FOLDER / "01_data.ipynb" in NOTEBOOKS


@each_notebook
def test_was_run_from_top_to_bottom_without_an_error(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert not [output.text for output in outputs if output.get("name") == "stderr"]


@each_notebook
def test_is_small_and_its_cells_are_short(path):
    code, markdown = cells(path, "code"), cells(path, "markdown")
    lengths = [len(cell.source.splitlines()) for cell in code[1:]]  # the first are the imports
    assert path.stat().st_size < LARGEST
    assert max(lengths) <= 25 and statistics.median(lengths) <= 8
    assert 0.9 <= len(markdown) / len(code) <= 2


@each_notebook
def test_runs_on_any_machine(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in cells(path, "code"):
        assert not re.search(r"^\s*[%!]", cell.source, re.M), "magics and shell commands are not Python"
        assert not re.search(r"/(home|root|tmp|work|Users)/", cell.source + text_outputs(cell))


def test_the_map_names_every_notebook():
    assert {path.name for path in NOTEBOOKS} <= set(re.findall(r"\((\w+\.ipynb)\)", (FOLDER / "README.md").read_text()))


# Exercises


def exercises(path):
    """The cells that begin with "# Exercise N", by number."""
    found = {re.match(r"# Exercise (\d+)", cell.source): cell for cell in cells(path, "code")}
    return {int(match[1]): cell for match, cell in found.items() if match}


def solutions(path):
    """The blocks of a notebook's solutions, by number."""
    parts = re.split(r"^# Exercise (\d+)\b.*$", (FOLDER / "solutions" / f"{path.stem}.py").read_text(), flags=re.M)
    return {int(number): block for number, block in zip(parts[1::2], parts[2::2], strict=True)}


@each_notebook
def test_exercises_are_unanswered_and_say_so(path):
    assert len(exercises(path)) >= 3
    assert list(exercises(path)) == list(range(1, len(exercises(path)) + 1))
    for cell in exercises(path).values():
        assert UNANSWERED in cell.source.splitlines()
        assert text_outputs(cell) == "not answered yet\n"


@each_notebook
def test_solutions_are_right(path, tmp_path, monkeypatch, capsys):
    """All cells as plain Python, from another folder, with the solutions in place of the dots."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TQDM_DISABLE", "1")  # to be as it was afterwards
    solved, namespace, said = solutions(path), {}, {}
    for cell in cells(path, "code"):
        number = re.match(r"# Exercise (\d+)", cell.source)
        source = cell.source.replace(UNANSWERED, solved[int(number[1])]) if number else cell.source
        exec(compile(source, cell.id, "exec"), namespace)
        if number:
            said[int(number[1])] = capsys.readouterr().out.splitlines()[-1]
        capsys.readouterr()
    if "folder" in namespace:
        namespace["folder"].cleanup()
    assert said == dict.fromkeys(exercises(path), "right") and said.keys() == solved.keys()
    assert list(tmp_path.iterdir()) == []  # nothing was left behind


@pytest.mark.parametrize(
    "answer, expected, said",
    [
        (..., 16, "not answered yet"),
        (16, 16, "right"),
        ((3, 16), [3, 16], "right"),
        (np.array([True, False]), [1, 0], "right"),
        ("left", "left", "right"),
        (0.509, 0.5, "right"),
        (0.511, 0.5, "not yet: think"),
        ("left", "right", "not yet: think"),
        (None, 16, "not yet: think"),
        ([1, 2, 3], [1, 2], "not yet: the answer's shape is (3,), wanted is (2,)"),
        (float("nan"), 0.5, "not yet: think"),
        ("16", 16, "not yet: think"),
        (max, lambda answer: answer(2, 3) == 3, "right"),
        (min, lambda answer: answer(2, 3) == 3, "not yet: think"),
        (None, lambda answer: answer(2, 3) == 3, "not yet: TypeError: 'NoneType' object is not callable"),
    ],
)
def test_check_gives_three_answers(answer, expected, said, capsys):
    check(answer, expected, "think", tolerance=0.01)
    assert capsys.readouterr().out == said + "\n"


def test_check_without_a_hint(capsys):
    check(1, 2)
    assert capsys.readouterr().out == "not yet\n"


@given(st.lists(st.floats(-1e3, 1e3), min_size=1), st.floats(0.02, 10))
def test_check_tolerates_what_it_is_told_to(values, offset):
    def said(answer):
        printed = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("builtins.print", printed.append)
            check(answer, values, tolerance=0.01)
        return printed

    assert said([value + 0.005 for value in values]) == ["right"]
    assert said([values[0] + offset, *values[1:]]) == ["not yet"]


# What notebooks show


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.fixture
def scrubber(a2d_release):
    """The clip around frame 10 of 12, in which instance 1 is a square at rows 8 to 19, columns 45 to 56."""
    return scrub(acga.A2DSentences(a2d_release, "test", size=64), "two-dogs000", 10, 1)


def test_the_scrubber_fills_the_mask_in_the_annotated_frame_only(scrubber):
    pictures = [decoded(image.value).astype(int) for image in scrubber.stack.children]
    assert len(pictures) == 16
    inside, outside = (slice(22, 34), slice(96, 108)), (slice(60, 80), slice(20, 40))  # two pixels for one of the frame
    tinted = [np.abs(picture[inside].mean((0, 1)) - picture[outside].mean((0, 1))).max() > 20 for picture in pictures]
    assert tinted == [position == 8 for position in range(16)]


@pytest.mark.parametrize("size", [(30, 40), (60, 80), (120, 160)])
def test_the_scrubber_paints_masks_of_another_resolution_at_their_place(size):
    mask = np.zeros(size, bool)
    mask[size[0] // 2 :, size[1] // 2 :] = True
    picture = _captioned(np.zeros((60, 80, 3), np.uint8), mask, annotated=True, caption="")[:120]
    rows, columns = picture.any(axis=2).nonzero()
    assert abs(rows.min() - 60) <= 2 and abs(columns.min() - 80) <= 2 and (rows.max(), columns.max()) == (119, 159)


def test_the_scrubber_starts_at_the_annotated_frame_and_its_parts_are_linked(scrubber):
    assert isinstance(scrubber.slider, IntSlider)
    assert (scrubber.slider.value, scrubber.slider.max, scrubber.stack.selected_index) == (8, 15, 8)
    assert [(link.source[1], link.target[1]) for link in scrubber.links] == [("value", "value"), ("value", "selected_index")]
    assert scrubber.links[1].source[0] is scrubber.slider and scrubber.links[1].target[0] is scrubber.stack


def test_the_scrubber_has_a_picture_for_where_there_are_no_widgets(scrubber):
    bundle = scrubber._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/jpeg"} <= bundle.keys()
    height, width, _ = decoded(base64.b64decode(bundle["image/jpeg"])).shape
    first = decoded(scrubber.stack.children[0].value)
    assert (height, width) == (first.shape[0] * 2, first.shape[1] * 4)  # every second one in two rows of four


def test_a_scrubber_of_pictures_that_do_not_fill_the_last_row():
    bundle = Scrubber([np.zeros((4, 6, 3), np.uint8)] * 5)._repr_mimebundle_()
    assert decoded(base64.b64decode(bundle["image/jpeg"])).shape == (4, 24, 3)


def test_a_frame_past_the_last_is_the_last(a2d_release):
    """As everywhere where clips are read. The video has 12."""
    dataset = acga.A2DSentences(a2d_release, "test", size=64)
    masks = dataset.frame_masks("two-dogs000", 10)
    dataset.frame_masks = lambda video_id, frame: masks
    last, beyond = ([image.value for image in scrub(dataset, "two-dogs000", frame, 1).stack.children] for frame in (12, 13))
    assert last == beyond


def test_scrubbing_an_absent_instance_is_refused(a2d_release):
    with pytest.raises(ValueError, match="5"):
        scrub(acga.A2DSentences(a2d_release, "test", size=64), "two-dogs000", 10, 5)


def test_saved_widgets_and_their_pictures_are_in_the_notebook():
    notebook = nbformat.read(FOLDER / "01_data.ipynb", as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith("scrub(")]
    assert {"application/vnd.jupyter.widget-view+json", "image/jpeg"} <= cell.outputs[0].data.keys()
    saved = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert cell.outputs[0].data["application/vnd.jupyter.widget-view+json"]["model_id"] in saved
