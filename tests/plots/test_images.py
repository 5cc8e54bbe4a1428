"""Pictures: colours that can be told apart, masks painted where they are, legends that fit, and figures that are closed."""

import itertools

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from acga.plots import images as plots

FRAME = np.full((60, 90, 3), 100, np.uint8)


def mask(top, left, side=20, size=(60, 90)):
    found = np.zeros(size, bool)
    found[top : top + side, left : left + side] = True
    return found


def test_colours_differ_also_without_red_green_vision():
    """Simulated deuteranopia (Viénot et al., 1999, on linear RGB) leaves every two colours of the palette apart."""
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    blind = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    linear = (np.array([plots.colour(number) for number in range(len(plots.PALETTE))]) / 255) ** 2.2
    seen = (np.linalg.inv(to_lms) @ blind @ to_lms @ linear.T).T.clip(0, 1) ** (1 / 2.2)
    assert min(np.abs(one - other).max() for one, other in itertools.combinations(seen, 2)) > 0.1


def test_paint_changes_the_mask_and_its_outline_only():
    painted = plots.paint_masks(FRAME, [mask(20, 30)])
    assert (painted[25:35, 35:45] == painted[30, 40]).all()
    expected = 0.5 * np.array(plots.colour(0)) + 0.5 * 100
    assert np.abs(painted[30, 40] - expected).max() <= 1
    assert (painted[:15] == 100).all() and (painted[:, :25] == 100).all() and (painted[45:] == 100).all()
    assert (FRAME == 100).all()


def test_paint_without_filling_leaves_the_inside_as_it_was():
    painted = plots.paint_masks(FRAME, [mask(20, 30)], fill=False)
    assert (painted[24:36, 34:46] == 100).all() and (painted[20, 30:50] == plots.colour(0)).all()


def test_every_query_has_its_colour():
    painted = plots.paint_masks(FRAME, [mask(5, 5), mask(35, 60)])
    assert np.abs(painted[45, 70] - (0.5 * np.array(plots.colour(1)) + 50)).max() <= 1
    assert np.abs(painted[15, 15] - (0.5 * np.array(plots.colour(0)) + 50)).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (31, 33), (144, 192), (480, 854)])
def test_an_overlay_shows_the_frame_and_a_legend(size):
    overlay = plots.Overlay(["dog", "a query far too long for its line " * 5], size)
    picture = overlay.picture(np.full((*size, 3), 100, np.uint8), [np.ones(size, bool), np.zeros(size, bool)])
    assert picture.shape == (*overlay.size, 3) and picture.dtype == np.uint8
    assert picture.shape[1] >= plots.LEGIBLE
    scale = max(1, plots.LEGIBLE // max(size))
    legend = picture[size[0] * scale :]
    assert len(legend) >= 20 and (legend == plots.colour(0)).all(axis=-1).any() and legend.max() > 200  # spot and letters
    assert (picture[: size[0] * scale].reshape(-1, 3) == 100).all(axis=1).sum() == 0  # all of the frame is masked


def test_a_legend_takes_any_script():
    assert plots.Overlay(["café 🐕 собака"], (100, 400)).size[1] == 400


def saved(figure, tmp_path):
    assert isinstance(figure, Figure) and plt.get_fignums() == []
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert (tmp_path / "figure.png").stat().st_size > 500
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_overlay_figure_names_the_queries(tmp_path):
    texts = saved(plots.overlay(FRAME, {"dog on the left": mask(5, 5), "cat": mask(30, 30)}), tmp_path)
    assert {"dog on the left", "cat"} <= set(texts)
    saved(plots.overlay(FRAME, {}), tmp_path)


def test_strip(tmp_path):
    assert "frame 3" in saved(plots.strip([FRAME] * 4, [[mask(5, 5)]] * 4, titles=[f"frame {n}" for n in range(4)]), tmp_path)
    assert len(plots.strip([FRAME] * 4).axes) == 4


def test_response_maps_share_a_scale(tmp_path):
    figure = plots.response_maps({"small": np.zeros((2, 2)), "large": np.full((32, 32), 60.0)})
    assert {"small", "large", "probability of foreground"} <= set(saved(figure, tmp_path))
    images = [axis.images[0] for axis in figure.axes[:2]]
    assert [image.get_clim() for image in images] == [(0, 1), (0, 1)]
    assert [float(image.get_array().max()) for image in images] == pytest.approx([0.5, 1])


def test_contact_sheet_gives_the_overlap_where_the_truth_is_known(tmp_path):
    known = plots.Example(query="dog", frame=FRAME, response=np.zeros((32, 32)), predicted=mask(5, 5), target=mask(5, 5))
    texts = saved(plots.contact_sheet([known, known]), tmp_path)
    assert "truth, IoU 1.00" in texts and "response, at most 0.50" in texts
    unknown = plots.Example(query="dog", frame=FRAME, response=np.zeros((32, 32)), predicted=mask(5, 5))
    assert len(plots.contact_sheet([unknown]).axes) == 3


def test_curves_and_bars(tmp_path):
    lines = plots.curves({"loss": ([0, 1], [1.0, 0.5]), "validation": ([0, 1], [1.0, 0.7])}, x_label="step", y_label="loss (nats)")
    assert {"step", "loss (nats)", "validation"} <= set(saved(lines, tmp_path))
    assert {"mean IoU", "0.7"} <= set(saved(plots.bars({"a": 0.7}, y_label="mean IoU", errors={"a": 0.1}), tmp_path))
