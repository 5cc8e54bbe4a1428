"""A small folder of pictures with instance masks, in the layout that cut-outs are read from; made up, nothing photographed."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH = 120, 160
COLOURS = {"person": (200, 60, 60), "dog": (125, 75, 40), "cat": (28, 28, 32), "bird": (40, 75, 205), "car": (240, 210, 40)}
SHAPES = {"person": (14, 40), "dog": (34, 22), "cat": (30, 20), "bird": (24, 20), "car": (40, 18)}  # half axes


def write_folder(root: Path, pictures: int = 4) -> Path:
    """For each class some pictures with one usable instance in the middle, and beside it one that is cut by the border."""
    (root / "images").mkdir(parents=True)
    (root / "instances").mkdir()
    rows = []
    for label, colour in COLOURS.items():
        for number in range(pictures):
            name = f"{label}{number}"
            rng = np.random.default_rng([number, len(rows)])
            picture = rng.integers(90, 140, (HEIGHT, WIDTH, 3)).astype(np.uint8)
            instances = np.zeros((HEIGHT, WIDTH), np.uint8)
            for instance, centre in ((1, (80, 60)), (2, (4, 60))):
                drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
                cv2.ellipse(drawn, centre, SHAPES[label] if instance == 1 else (20, 30), 0, 0, 360, 1, -1)
                picture[drawn > 0] = np.clip(np.array(colour) + rng.normal(0, 6, (int(drawn.sum()), 3)), 0, 255)
                instances[drawn > 0] = instance
                rows.append((name, instance, label, 3 if number == pictures - 1 else 4))
            cv2.imwrite(str(root / "images" / f"{name}.png"), picture[..., ::-1])
            cv2.imwrite(str(root / "instances" / f"{name}.png"), instances)
    with open(root / "instances.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "instance_id", "class", "license_id"), *rows])
    return root
