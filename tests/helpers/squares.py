"""A tiny A2D Sentences release whose sentences can be learned: a red and a green square, one on the left, one on the right."""

import json

import numpy as np
from helpers import releases

from acga.data.video import VideoWriter

SIZE = (32, 32)
SIDE = 12  # pixels of a square
COLOURS = ("red", "green")
RGB = {"red": (220, 30, 30), "green": (30, 180, 40)}
CLASS_IDS = {"red": 76, "green": 18}  # dog, run; adult, walk


def write_release(root, train=6, test=2):
    """Videos of 10 frames, of which the sixth is annotated; even ones have red on the left. The dogs' square is the first instance."""
    annotations = root / "text_annotations" / "a2d_annotation_with_instances"
    videos, sentences, scenes, tags = [], ["video_id,instance_id,query"], [], []
    for number in range(train + test):
        video_id = f"squares{number:04d}"
        left, right = (2 + number % 3, 10), (18 - number % 3, 14)  # x, y
        places = dict(zip(COLOURS, (left, right) if number % 2 == 0 else (right, left), strict=True))
        masks = {colour: releases.square(*places[colour], side=SIDE, size=SIZE) for colour in COLOURS}
        picture = np.full((*SIZE, 3), 20, np.uint8)
        for colour, mask in masks.items():
            picture[mask > 0] = RGB[colour]
        path = root / "Release" / "clips320H" / f"{video_id}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        with VideoWriter(path, 10, SIZE) as video:
            for frame in range(10):
                video.write(np.roll(picture, frame // 5, axis=0))  # something moves
        releases.write_annotation(annotations / video_id / "00006.h5", list(masks.values()), [0, 1], list(CLASS_IDS.values()))
        videos.append(f"{video_id},76,0:00:00,0:00:01,{SIZE[0]},{SIZE[1]},10,1,{int(number >= train)}")
        scenes.append({"name": video_id, "actors": [{"colour": colour} for colour in COLOURS]})
        for instance, colour in enumerate(COLOURS):
            side = "left" if places[colour][0] < 10 else "right"
            for query, phrasing in ((f"{colour} square", "plain"), (f"the {colour} one on the {side}", "place")):
                sentences.append(f"{video_id},{instance},{query}")
                tags.append({"video_id": video_id, "instance": instance, "query": query, "phrasing": phrasing, "decided_by": ["colour"]})
    (root / "Release" / "videoset.csv").write_text("\n".join(videos) + "\n")
    (root / "text_annotations" / "a2d_annotation.txt").write_text("\n".join(sentences) + "\n")
    (root / "scenes.json").write_text(json.dumps(scenes))
    (root / "queries.json").write_text(json.dumps(tags))
    return root
