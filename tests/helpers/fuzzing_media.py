"""Damaged films, pictures and folders of them: the part of the fuzzer that decodes."""

import csv
import io
import itertools
import json
import os
import shutil
import struct

import cv2
import numpy as np
from helpers import photographs
from helpers.damage import STRINGS, damaged_bytes, damaged_json, damaged_text
from helpers.films import grey_pictures, write_film
from PIL import Image

CODECS = {"mov": "mjpeg", "avi": "mjpeg", "webm": "libvpx"}
SIDES = (0, 1, 3, 48, 4096, 16_000, 65_535)


class FuzzerOfMedia:
    """Each method makes one damaged input and reads it."""

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def _film(self, rng, endings):
        """The bytes of a film, and its ending."""
        ending = rng.choice(endings)
        seed = self.folder / f"seed.{ending}"
        if ending == "gif" and not seed.exists():
            first, *others = map(Image.fromarray, grey_pictures(4))
            first.save(seed, save_all=True, append_images=others, duration=[80, 30, 500, 80])
        if not seed.exists():
            write_film(seed, grey_pictures(4), times=[0, 0.1, 0.5, 0.6], codec=CODECS.get(ending, "libx264"))
        return seed.read_bytes(), ending

    def films(self, rng):
        from acga.data.video import VideoWriter, read_shown_frames

        content, ending = self._film(rng, ("mp4", "mkv", "mov", "avi", "ts", "webm"))
        film = self.write(f"film.{ending}", damaged_bytes(rng, content))
        video = None
        for frame in itertools.islice(read_shown_frames(film), 50):
            video = video or VideoWriter(self.folder / "out.mp4", 12, frame.picture.shape[:2])
            video.write(frame.picture, frame.time)
        if video is not None:
            video.__exit__(None, None, None)

    def gifs(self, rng):
        from acga.data.video import read_frames

        content = bytearray(self._film(rng, ("gif",))[0])
        if rng.random() < 0.3:
            content = bytearray(damaged_bytes(rng, content))
        frames = [place for place in range(len(content) - 10) if content[place : place + 2] == b"!\xf9"]  # graphic control extensions
        for place in rng.sample([6, *frames, *(place + 9 for place in frames)], 1):  # the screen, a delay, the place and size of a frame
            change = struct.pack("<HH", rng.choice(SIDES), rng.choice(SIDES))
            offset = {6: 0}.get(place, rng.choice((0, 3, 4)))
            content[place + offset : place + offset + 4] = change
        gif = self.write("film.gif", bytes(content))
        list(itertools.islice(read_frames(gif), 10))

    def uploads(self, rng):
        from acga.widgets.uploads import read_upload

        content, _ = self._film(rng, ("mp4", "mov", "webm", "gif"))
        list(read_upload(damaged_bytes(rng, content)))

    def pictures(self, rng):
        from acga.data.pictures import read_mask
        from acga.data.video import read_frames

        folder = self._empty("frames")
        for number in range(rng.choice((1, 1, 2))):
            mode = rng.choice(("RGB", "L", "P", "1", "RGBA", "LA", "I;16", "CMYK"))
            ending = rng.choice(("jpg", "png")) if mode in ("RGB", "L") else "jpg" if mode == "CMYK" else "png"
            picture = Image.new(mode, (rng.choice((1, 8, 300)), rng.choice((1, 5, 200))))
            buffer = io.BytesIO()
            picture.save(buffer, {"jpg": "JPEG", "png": "PNG"}[ending], **({"progressive": True} if rng.random() < 0.5 else {}))
            content = buffer.getvalue() if rng.random() < 0.3 else damaged_bytes(rng, buffer.getvalue())
            name = rng.choice((f"{number}", f"0.{number}", "犬", "\u0663", "1e9", "9" * 200))
            (folder / f"{name}.{rng.choice((ending, ending, 'png', 'JPG'))}").write_bytes(content)
        list(read_frames(folder))
        read_mask(next(folder.iterdir()))

    def adaptations(self, rng):
        from acga.training.adaptation import read_examples

        folder = self._empty("mine")
        for name in ("images", "masks"):
            (folder / name).mkdir()
            for number in range(2):
                content = cv2.imencode(".png", np.full((6, 8, 3), 200, np.uint8))[1].tobytes()
                (folder / name / f"{number}.png").write_bytes(content if rng.random() < 0.8 else damaged_bytes(rng, content))
        table = f"frame,mask,query\n0,0.png,a dog\n{rng.choice(STRINGS)},1.png,{damaged_text(rng)}\n".encode("utf-8", "surrogatepass")
        (folder / "sentences.csv").write_bytes(damaged_bytes(rng, table) if rng.random() < 0.5 else table)
        read_examples(folder, size=32, clip_length=4)

    def photographs(self, rng):
        from acga.synthetic.photographs import write_photographs

        seed = self.folder / "photographs"
        if not seed.exists():
            photographs.write_folder(seed, 1)
            with open(seed / "instances.csv", "w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("image", "instance_id", "class", "license_id"), ("dog0", 1, "dog", 4), ("car0", 1, "car", 4)])
            (seed / "captions.csv").write_text("image,caption\ndog0,a dog stands\n")
        folder = self._copy(seed)
        self._spoil(rng, [*folder.glob("*.csv"), *folder.glob("*/dog0.png"), folder / "images"])
        write_photographs(folder, self._empty("stills"), views=1, workers=0)

    def drawn_releases(self, rng):
        from acga.config import SynthesisConfig
        from acga.synthetic.writer import write_a2d

        seed, config = self.folder / "drawn", SynthesisConfig(train=1, test=1, frames=2, workers=0)
        write_a2d(seed, config)
        folder = self._copy(seed)
        file = rng.choice([*folder.glob("drawn/*.json"), folder / "synthesis.json", *folder.glob("*/*.mp4")])
        if file.suffix == ".json" and rng.random() < 0.8:
            file.write_bytes(damaged_json(rng, json.loads(file.read_text())))
        else:
            self._spoil(rng, [file])
        write_a2d(folder, config)

    def releases(self, rng):
        from acga.data.check import check_release

        folder = self._copy(rng.choice((self.release, self.jhmdb)))
        self._spoil(rng, sorted(folder.rglob("*")))
        for problem in check_release(folder).problems:
            assert 0 < len(problem) <= 800, problem[:100]  # a sentence of at most 300 letters about a path

    def outputs(self, rng):
        from acga.output.segmentation import is_earlier_output, output_folder

        folder = self._empty("result")
        (folder / "masks/1_dog").mkdir(parents=True)
        (folder / "summary.json").write_bytes(
            damaged_json(rng, {"acga": "0.2", "video": "a.mp4", "queries": [{"query": "dog", "masks": "masks/1_dog"}]})
        )
        is_earlier_output(folder, "a.mp4", ["dog"])
        with output_folder(folder, overwrite=True) as inside:
            (inside / "summary.json").write_text("{}")

    def _empty(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _copy(self, seed):
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        return shutil.copytree(seed, self.folder / "copy")

    @staticmethod
    def _spoil(rng, paths):
        """Damage one of the files or folders, take it away, or put something else in its place."""
        path = rng.choice(paths)
        kind = rng.randrange(6) if path.is_file() else rng.randrange(3)
        if kind >= 3:
            path.write_bytes(damaged_bytes(rng, path.read_bytes()))
            return
        moved = path.with_name(rng.choice(("other", f"{path.name}.txt", "00001.h5")))
        if not moved.exists():
            path.rename(moved)
        if kind == 1 and not path.exists():
            path.symlink_to("nowhere")
        elif kind == 2 and not path.exists():
            path.mkdir() if moved.is_file() else os.mkfifo(path)
