"""Draw the contact sheet of the drawn world: `python tools/contact_sheets.py`.

Whole scenes, one background family after another. Nothing here is picked by hand: the scenes are those of seed 0.
"""

from itertools import count
from pathlib import Path

import cv2
import numpy as np

from acga.output.overlay import paint_masks
from acga.synthetic.render.backgrounds import BACKGROUNDS
from acga.synthetic.render.renderer import draw
from acga.synthetic.sampling import sample_scene

FOLDER = Path(__file__).parents[1] / "figures"


def label(image: np.ndarray, text: str) -> np.ndarray:
    """Write on the upper left corner."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    image[:20, : width + 8] = 255
    cv2.putText(image, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return image


def scene_sheet(columns: int = 6) -> np.ndarray:
    """Scenes with two or more actors and their outlines, one for each family of background, then more of them."""
    families = list(BACKGROUNDS)
    tiles: list[np.ndarray] = []
    for index in count():
        scene = sample_scene("sheet", 0, 0, index)
        wanted = families[len(tiles) % len(families)]
        if len(scene.actors) < 2 or scene.background != wanted:
            continue
        frame, masks = next((f, m) for number, (f, m) in enumerate(draw(scene), start=1) if number == scene.annotated[1])
        tile = np.zeros((160, 192, 3), np.uint8)
        tile[: scene.height, : scene.width] = paint_masks(frame, masks, fill=False)[:160, :192]
        tiles.append(label(tile, wanted))
        if len(tiles) >= len(families) and len(tiles) % columns == 0:
            return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])
    raise AssertionError("unreachable: scenes are endless")


if __name__ == "__main__":
    cv2.imwrite(str(FOLDER / "scenes.jpg"), scene_sheet()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
