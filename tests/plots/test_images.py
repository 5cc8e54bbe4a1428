"""Figures of pictures: every one is shown with its caption, masks in their colours, and pyplot keeps none of them."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from acga.output.overlay import colour
from acga.plots import images

FRAME = np.full((60, 90, 3), 100, np.uint8)
MASK = np.zeros((60, 90), bool)
MASK[5:25, 5:25] = True


def saved(figure, tmp_path):
    """The texts of a figure, which can be saved and is not kept by pyplot."""
    assert isinstance(figure, Figure) and plt.get_fignums() == []
    figure.savefig(tmp_path / "figure.png", dpi=50)
    assert (tmp_path / "figure.png").stat().st_size > 500
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


def test_long_captions_are_wrapped_and_all_pictures_shown(tmp_path):
    figure = images.image_grid({f"{number} {'word ' * 12}": np.zeros((4, 4)) for number in range(5)}, columns=3)
    saved(figure, tmp_path)
    assert sum(bool(axis.images) for axis in figure.axes) == 5
    assert all("\n" in axis.get_title() for axis in figure.axes if axis.images)


@pytest.mark.parametrize("limits, colours", [((0, 1), "viridis"), ((-1, 1), "PuOr")])
def test_maps_share_a_scale_that_a_bar_explains(limits, colours, tmp_path):
    figure = images.image_grid({"x": np.array([[-1.0, 0.5]]), "constant": np.full((1, 2), 0.125)}, limits=limits, label="value")
    assert {"x", "constant", "value"} <= saved(figure, tmp_path)
    shown = [axis.images[0] for axis in figure.axes[:2]]
    assert [(one.get_clim(), one.get_cmap().name) for one in shown] == [(limits, colours)] * 2


def test_an_enlarged_frame_has_outlines_in_the_colours_of_their_numbers_and_its_inside_as_it_was():
    picture = images.paint_enlarged(FRAME, [MASK], fill=False, numbers=[2])
    assert picture.shape == (180, 270, 3)
    assert (picture == colour(2)).all(axis=2).any() and not (picture == colour(0)).all(axis=2).any()
    assert (picture[3 * 9 : 3 * 21, 3 * 9 : 3 * 21] == 100).all() and (picture[3 * 30 :] == 100).all()


def test_a_mask_overlay_names_the_queries(tmp_path):
    assert {"dog on the left", "cat"} <= saved(images.mask_overlay(FRAME, {"dog on the left": MASK, "cat": ~MASK}), tmp_path)
    saved(images.mask_overlay(FRAME, {}), tmp_path)


def test_a_contact_sheet_gives_the_overlap_where_the_truth_is_known(tmp_path):
    known = images.Example(query="dog", frame=FRAME, response=np.zeros((32, 32)), predicted=MASK, target=MASK)
    figure = images.contact_sheet([known, known])
    assert {"truth, IoU 1.00", "probability, at most 0.50"} <= saved(figure, tmp_path)
    first, second = (figure.axes[number].images[0].get_array() for number in (2, 6))
    assert (first[5, 10] == colour(0)).all() and (second[5, 10] == colour(1)).all()  # each query in its own colour
    unknown = images.Example(query="dog", frame=FRAME, response=np.zeros((32, 32)), predicted=MASK)
    assert len(images.contact_sheet([unknown]).axes) == 3
