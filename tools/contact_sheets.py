"""Draw the contact sheets of the drawn world: `python tools/contact_sheets.py`.

One sheet for each kind of actor with a strip of frames for each of its actions, and one of whole scenes, one background family after
another. Nothing here is picked by hand: the scenes are those of seed 0.
"""

from itertools import count
from pathlib import Path

import cv2
import numpy as np

from acga.data.taxonomy import ACTORS, VALID_ACTIONS
from acga.overlay import paint_masks
from acga.synthetic.portraits import portraits
from acga.synthetic.render.backgrounds import BACKGROUNDS
from acga.synthetic.render.renderer import draw
from acga.synthetic.sampling import sample_scene

FOLDER = Path(__file__).parents[1] / "figures"
STRIP = range(4, 20, 2)  # frames shown of each action: the clip around the middle of 24


def label(image: np.ndarray, text: str) -> np.ndarray:
    """Write on the upper left corner."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    image[:20, : width + 8] = 255
    cv2.putText(image, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return image


def kind_sheet(kind: str) -> np.ndarray:
    """A row for each action of a kind."""
    rows, scenes = [], portraits()
    for action in VALID_ACTIONS[kind]:
        scene = scenes[kind, action]
        frames = [frame for index, (frame, _) in enumerate(draw(scene)) if index in STRIP]
        rows.append(label(np.hstack(frames), f"{kind}: {action} ({scene.actors[0].colour} {scene.actors[0].noun})"))
    return np.vstack(rows)


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
    for kind in ACTORS:
        cv2.imwrite(str(FOLDER / f"actions_{kind}.jpg"), kind_sheet(kind)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    cv2.imwrite(str(FOLDER / "scenes.jpg"), scene_sheet()[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
