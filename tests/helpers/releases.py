"""Small data sets in the layouts of the two releases (docs/PROTOCOL.md), quirks included, written without the package's own writers."""

from pathlib import Path

import av
import cv2
import h5py
import numpy as np
import scipy.io

HEIGHT, WIDTH, FRAMES = 48, 64, 12


def grey(number):
    """The grey level of a 1-indexed frame, which tells the frames apart after compression."""
    return 20 * number - 10


def write_video(path, frames=FRAMES, size=(HEIGHT, WIDTH)):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        for number in range(1, frames + 1):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((*size, 3), grey(number), np.uint8), format="rgb24")))
        container.mux(stream.encode())


def square(left, top, side=12, size=(HEIGHT, WIDTH)):
    """A mask with a square in it: the releases' masks are not symmetric, so a transposition shows."""
    mask = np.zeros(size, dtype=np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def write_annotation(path, masks, instances, class_ids):
    """As MATLAB wrote them: axes reversed, those of length one gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    masks = np.stack(masks)
    boxes = np.array([[*np.argwhere(mask.T).min(axis=0), *np.argwhere(mask.T).max(axis=0)] for mask in masks], dtype=np.float64)
    with h5py.File(path, "w") as file:
        file["instance"] = np.array(instances, dtype=np.float64)
        file["reMask"] = masks[0].T if len(masks) == 1 else masks.transpose(0, 2, 1)
        file["reBBox"] = boxes[0] if len(masks) == 1 else boxes.T
        file["id"] = np.array(class_ids, dtype=np.float64)


VIDEOSET = """\
two-dogs000,76,0:00:01,0:00:02,48,64,12,2,1
alone-bird0,44,0:00:01,0:00:02,48,64,12,1,1
T6bNPuKV-wY,49,0:00:01,0:00:02,48,64,12,1,1
missed00000,49,0:00:01,0:00:02,48,64,12,1,1
trainvideo0,18,0:00:01,0:00:02,48,64,12,1,0
"""
A2D_SENTENCES = """\
video_id,instance_id,query
alone-bird0,0,a bird is flying
two-dogs000,1, Dog on the right
two-dogs000,0,dog running on the left
trainvideo0,0,a man is walking
two-dogs000,0,the left dog
T6bNPuKV-wY,1,bird standing on the beach
T6bNPuKV-wY,1 (copy),bird standing in the beach
missed00000,0,somebody
"""


def write_a2d(root, clips="clips320H"):
    root = Path(root)
    annotations = root / "text_annotations" / "a2d_annotation_with_instances"
    for video_id in ("two-dogs000", "alone-bird0", "T6bNPuKV-wY", "trainvideo0"):
        write_video(root / "Release" / clips / f"{video_id}.mp4")
    left, right = square(4, 30), square(45, 8)
    write_annotation(annotations / "two-dogs000" / "00003.h5", [left], [0], [76, 77])  # more labels than instances
    write_annotation(annotations / "two-dogs000" / "00010.h5", [right, left], [1, 0], [77, 76])
    write_annotation(annotations / "alone-bird0" / "00001.h5", [square(20, 5)], [0], [44])
    write_annotation(annotations / "T6bNPuKV-wY" / "00007.h5", [left, right], [0, 1], [49, 49])
    write_annotation(annotations / "trainvideo0" / "00012.h5", [right], [0], [18])
    (root / "Release" / "videoset.csv").write_text(VIDEOSET)
    (root / "text_annotations" / "a2d_annotation.txt").write_text(A2D_SENTENCES)
    (root / "text_annotations" / "a2d_missed_videos.txt").write_text("missed00000\nanother0000\n")
    return root


JHMDB_SENTENCES = """\
video_id,query
a_ball_catch_1,man in black catching
b_wave_hand_2,a woman waves
"""


def write_jhmdb(root):
    """Two videos of `FRAMES` frames; the masks of the second end three frames early, and its frame 2 is empty."""
    root = Path(root)
    for name, video_id, masked in (("catch", "a_ball_catch_1", FRAMES), ("wave", "b_wave_hand_2", FRAMES - 3)):
        images = root / "Rename_Images" / name / video_id
        images.mkdir(parents=True)
        for number in range(1, FRAMES + 1):
            cv2.imwrite(str(images / f"{number:05d}.png"), np.full((HEIGHT, WIDTH, 3), grey(number), np.uint8))
        masks = np.stack([square(4 * number, 30) for number in range(1, masked + 1)], axis=-1)
        if name == "wave":
            masks[..., 1] = 0
        write_puppet_mask(root / "puppet_mask" / name / video_id / "puppet_mask.mat", masks)
    (root / "jhmdb_annotation.txt").write_text(JHMDB_SENTENCES)
    return root


def write_puppet_mask(path, masks):
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {"part_mask": masks}, do_compression=True)
