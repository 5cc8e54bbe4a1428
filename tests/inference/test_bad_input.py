"""Whatever a user gives: one clear sentence, exit code 2, no traceback, and nothing half-written."""

import json
import pickle

import av
import cv2
import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.releases import square, write_annotation
from helpers.small import CONFIG, save_small_model, small_model, write_clip

from acga.cli import main
from acga.model import I3D
from acga.model.checkpoints import save_model

ANNOTATIONS = "text_annotations/a2d_annotation_with_instances"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return save_small_model(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", count=40, size=(64, 96))


@pytest.fixture
def refused(capfd, tmp_path):
    """Runs a command that must fail; gives its one line."""

    def run(*arguments):
        before = sorted(str(path) for path in tmp_path.rglob("*"))
        assert main([str(argument) for argument in arguments]) == 2
        captured = capfd.readouterr()
        assert sorted(str(path) for path in tmp_path.rglob("*")) == before, "something was left behind"
        lines = [line for line in captured.err.splitlines() if "frame/s" not in line and line.strip()]  # a slow machine shows its progress
        assert len(lines) == 1 and lines[0].startswith("acga: error: ") and lines[0].endswith("."), captured.err
        return lines[0].removeprefix("acga: error: ")

    return run


def audio_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        for packet in [*stream.encode(frame), *stream.encode()]:
            container.mux(packet)
    return path


def truncated(path, clip):
    content = clip.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def written(path, content):
    path.write_bytes(content)
    return path


def folder(path, **files):
    path.mkdir()
    for name, content in files.items():
        if isinstance(content, np.ndarray):
            cv2.imwrite(str(path / f"{name}.png"), content)
        else:
            (path / f"{name}.png").write_bytes(content)
    return path


def black(height, width):
    return np.zeros((height, width, 3), np.uint8)


VIDEOS = {
    "missing": (lambda path, clip: path / "absent.mp4", "There is no video"),
    "empty file": (lambda path, clip: written(path / "v.mp4", b""), "cannot be opened as a video"),
    "no video": (lambda path, clip: written(path / "v.mp4", bytes(range(256)) * 8), "cannot be opened as a video"),
    "text": (lambda path, clip: written(path / "v.txt", b"hello\n" * 50), "v.txt"),
    "truncated": (lambda path, clip: truncated(path / "v.mp4", clip), "truncated"),
    "sound only": (lambda path, clip: audio_only(path / "v.mp4"), "has no pictures"),
    "no frames": (lambda path, clip: folder(path / "frames"), "holds no frames"),
    "damaged picture": (lambda path, clip: folder(path / "frames", a=black(9, 9), b=b"nothing"), "b.png is not a readable picture"),
    "sizes differ": (lambda path, clip: folder(path / "frames", a=black(9, 9), b=black(9, 8)), "differ in size"),
}


@pytest.mark.parametrize("kind", VIDEOS)
def test_videos(kind, weights, clip, tmp_path, refused):
    make, message = VIDEOS[kind]
    video = make(tmp_path, clip)
    assert message in refused("segment", video, "dog", "--out", tmp_path / "out", "--weights", weights)


def test_a_video_that_breaks_off_late(weights, tmp_path, refused):
    """Its first frames decode, so masks have been written when it is found out: all of them go."""
    frames = {f"f{number:03d}": black(20, 30) for number in range(20)}
    video = folder(tmp_path / "frames", **frames, z=b"nothing")
    assert "z.png" in refused("segment", video, "dog", "--out", tmp_path / "out", "--weights", weights)


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([], "There is no query"),
        ([""], "The query is empty"),
        (["   "], "The query is empty"),
        (["dog", ""], "The query is empty"),
        ([" ".join(["dog"] * 21)], "21 words"),
        (["🐕"], "no word in Latin letters"),
        (["左边的狗"], "no word in Latin letters"),
        (["12345"], "no word in Latin letters"),
        (["dog", "dog"], "given twice"),
    ],
)
def test_queries(queries, message, weights, clip, tmp_path, refused):
    assert message in refused("segment", clip, *queries, "--out", tmp_path / "out", "--weights", weights)


def test_words_in_other_scripts_beside_known_ones_are_named(weights, clip, tmp_path, capsys):
    arguments = [clip, "dog 🐕 слева", "--out", tmp_path / "out", "--weights", weights, "--every", 20]
    assert main(["segment", *map(str, arguments)]) == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["queries"][0]["unknown_words"] == ["🐕", "слева"]
    said = capsys.readouterr().err
    assert "'🐕'" in said and "no word of" not in said


def test_a_query_of_unknown_words_only_is_called_so(weights, clip, tmp_path, capsys):
    arguments = [clip, "purple zebra", "--out", tmp_path / "out", "--weights", weights, "--every", 20]
    assert main(["segment", *map(str, arguments)]) == 0
    assert "the model knows no word of 'purple zebra'" in capsys.readouterr().err


class Harmful:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def with_header(path, weights, change):
    """The tensors of a file of weights under a changed header."""
    with safetensors.safe_open(weights, framework="pt") as file:
        header = json.loads(file.metadata()["acga"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    safetensors.torch.save_file(state, path, metadata={"acga": json.dumps({**header, **change(header)})})
    return path


def of_another_architecture(path, weights):
    return with_header(path, weights, lambda header: {"config": {**header["config"], "classifier_widths": [16, 8, 8]}})


def pickled(path, content):
    torch.save(content, path)
    return path


def with_code(path, trace):
    path.write_bytes(pickle.dumps({"state_dict": Harmful(trace)}, protocol=2))
    return path


def official_but_wrong(path):
    """Official names, other shapes than `paper()`."""
    return pickled(path, {"state_dict": {"module.attention_layer.video_reduce.weight": torch.zeros(3, 3)}})


WEIGHTS = {
    "missing": (lambda path, weights: path / "absent.safetensors", "neither a file of weights nor the name"),
    "unknown name": (lambda path, weights: "maxi", "neither a file of weights nor the name"),
    "damaged": (lambda path, weights: written(path / "w.safetensors", weights.read_bytes()[:5000]), "damaged"),
    "another architecture": (lambda path, weights: of_another_architecture(path / "w.safetensors", weights), "this architecture needs"),
    "a threshold that is no number": (
        lambda path, weights: with_header(path / "w.safetensors", weights, lambda _: {"presence": {"not_here": 0.1, "found": "x"}}),
        'presence.found is "x"; it must be a finite number',
    ),
    "a threshold too few": (
        lambda path, weights: with_header(path / "w.safetensors", weights, lambda _: {"presence": {"not_here": 0.1}}),
        "found",
    ),
    "foreign safetensors": (lambda path, weights: foreign(path / "w.safetensors"), "not one that ACGA wrote"),
    "foreign pickle": (lambda path, weights: pickled(path / "w.pth", {"fc.weight": torch.zeros(2, 2)}), "neither official ACGA"),
    "no tensors": (lambda path, weights: pickled(path / "w.pth", [1, 2]), "no state dict"),
    "code": (lambda path, weights: with_code(path / "w.pth", path / "trace"), "could run code"),
    "official, wrong shapes": (lambda path, weights: official_but_wrong(path / "w.pth.tar"), "w.pth.tar"),
    "only an I3D": (lambda path, weights: only_i3d(path / "w.safetensors"), "holds a backbone"),
}


def foreign(path):
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    return path


def only_i3d(path):
    I3D(width=CONFIG.backbone_width, through="mixed_4f").to_file(path)
    return path


@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights(kind, weights, clip, tmp_path, refused):
    make, message = WEIGHTS[kind]
    given = make(tmp_path, weights)
    assert message in refused("segment", clip, "dog", "--out", tmp_path / "out", "--weights", given)
    assert not (tmp_path / "trace").exists()  # code in a file is never executed


def test_weights_without_words_need_word_vectors(clip, tmp_path, refused):
    model = small_model()
    model.word_table = model.vocabulary = None
    save_model(model, tmp_path / "w.safetensors")
    message = refused("segment", clip, "dog", "--out", tmp_path / "out", "--weights", tmp_path / "w.safetensors")
    assert "--words" in message or 'words="vectors.bin"' in message


@pytest.mark.parametrize("content", [b"", b"nothing like it", b"5 8\ndog " + bytes(7), b"1 3\ndog " + bytes(12)])
def test_word_vectors(content, weights, clip, tmp_path, refused):
    (tmp_path / "vectors.bin").write_bytes(content)
    arguments = ["--out", tmp_path / "out", "--weights", weights, "--words", tmp_path / "vectors.bin"]
    refused("segment", clip, "dog", *arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--every", "0"], "every is 0; it must be at least 1"),
        (["--minimum-peak", "2"], "at least 0 and at most 1"),
        (["--minimum-peak", "nan"], "must be a finite number"),
    ],
)
def test_options(options, message, weights, clip, tmp_path, refused):
    assert message in refused("segment", clip, "dog", "--out", tmp_path / "out", "--weights", weights, *options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(weights, clip, tmp_path, refused):
    assert "no GPU" in refused("segment", clip, "dog", "--out", tmp_path / "out", "--weights", weights, "--device", "cuda")


def test_output_folder(weights, clip, tmp_path, refused):
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused("segment", clip, "dog", "--out", tmp_path / "file", "--weights", weights)
    assert "is a file" in refused("segment", clip, "dog", "--out", tmp_path / "file" / "out", "--weights", weights)
    assert "is not empty" in refused("segment", clip, "dog", "--out", tmp_path, "--weights", weights)


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (2, 3), (128, 40), (4000, 24), (24, 4000)])
def test_odd_sizes_are_segmented(size, weights, tmp_path):
    video = folder(tmp_path / "frames", a=np.full((*size, 3), 90, np.uint8), b=black(*size))
    assert main(["segment", str(video), "dog", "--out", str(tmp_path / "out"), "--weights", str(weights)]) == 0
    for number in range(2):
        assert cv2.imread(str(tmp_path / "out" / "masks" / "1_dog" / f"{number:05d}.png"), cv2.IMREAD_UNCHANGED).shape == size


def test_a_frame_of_4000_pixels_a_side(weights, tmp_path):
    video = folder(tmp_path / "frames", a=np.full((4000, 4000, 3), 90, np.uint8))
    assert main(["segment", str(video), "dog", "--out", str(tmp_path / "out"), "--weights", str(weights)]) == 0
    assert cv2.imread(str(tmp_path / "out" / "masks" / "1_dog" / "00000.png"), cv2.IMREAD_UNCHANGED).shape == (4000, 4000)


def problems(root, capsys):
    assert main(["data", "check", str(root)]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err and captured.err.splitlines()[-1].startswith("acga: error: ")
    return [line.removeprefix("  problem: ") for line in captured.out.splitlines() if line.startswith("  problem: ")]


def rewrite(path, change):
    path.write_text(change(path.read_text()))


A2D_DAMAGE = {
    "missing column": (
        lambda root: rewrite(root / "text_annotations/a2d_annotation.txt", lambda t: t.replace("instance_id", "id")),
        "instance_id",
    ),
    "repeated row": (
        lambda root: rewrite(root / "text_annotations/a2d_annotation.txt", lambda t: t + t.splitlines()[-3] + "\n"),
        "repeats",
    ),
    "empty query": (lambda root: rewrite(root / "text_annotations/a2d_annotation.txt", lambda t: t + "alone-bird0,0,\n"), "query is empty"),
    "no instance": (
        lambda root: rewrite(root / "text_annotations/a2d_annotation.txt", lambda t: t.replace("trainvideo0,0", "trainvideo0,5")),
        "no instance 5",
    ),
    "empty mask": (lambda root: change_mask(root, np.zeros((48, 64), np.uint8)), "is empty"),
    "wrong shape": (lambda root: change_mask(root, square(4, 4, size=(64, 48))), "write reMask as (N, W, H)"),
    "missing video": (lambda root: (root / "Release/clips320H/trainvideo0.mp4").unlink(), "trainvideo0.mp4 is missing"),
    "missing table": (lambda root: (root / "Release/videoset.csv").unlink(), "videoset.csv is missing"),
}


def change_mask(root, mask):
    if mask.any():
        write_annotation(root / ANNOTATIONS / "trainvideo0" / "00012.h5", [mask], [0], [18])
        return
    with h5py.File(root / ANNOTATIONS / "trainvideo0" / "00012.h5", "a") as file:
        file["reMask"][...] = 0


@pytest.mark.parametrize("kind", A2D_DAMAGE)
def test_a2d_releases(kind, a2d_copy, capsys):
    damage, message = A2D_DAMAGE[kind]
    damage(a2d_copy)
    assert any(message in problem for problem in problems(a2d_copy, capsys))


def test_jhmdb_releases(jhmdb_copy, capsys):
    mask = next((jhmdb_copy / "puppet_mask").glob("*/*/puppet_mask.mat"))
    mask.write_bytes(b"nothing")
    assert any("puppet_mask.mat" in problem for problem in problems(jhmdb_copy, capsys))


def test_neither_layout(tmp_path, refused):
    assert "neither A2D Sentences" in refused("data", "check", tmp_path)
    assert "There is no folder" in refused("data", "check", tmp_path / "absent")


def test_unknown_download(tmp_path, refused):
    assert "no download called 'x.pt'" in refused("data", "download", "x.pt", "--to", tmp_path)


def test_drawing_into_a_used_folder(tmp_path, refused):
    (tmp_path / "mine.txt").write_text("mine")
    assert "not empty" in refused("data", "synthesize", tmp_path, "--train", "1", "--test", "1", "--workers", "1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["sise=64"], "no field 'sise'"),
        (["size"], "does not say field=value"),
        (["size=large"], "'large' is no value for size, which is 128"),
        (["size=100"], "multiple of 16"),
        (["residual=1"], "'1' is no value for residual, which is true"),
        (["vision_widths=208"], "no value for vision_widths"),
        (["matching=guessing"], "must be attention, concatenation or dynamic_convolution"),
        (["vision_widths=[]"], "vision_widths has 0 values; it must have 3"),
        (["classifier_widths=[8,0,8]"], "classifier_widths[1] is 0; it must be at least 1"),
    ],
)
def test_configurations(changes, message, tmp_path, refused):
    assert message in refused("pretrain", tmp_path, "--out", tmp_path / "run", "--change", *changes)


def test_training_without_what_it_needs(a2d_copy, weights, tmp_path, refused, capfd):
    """The small release has one training video, which leaves none to validate on."""
    absent = tmp_path / "absent"
    assert "There is no folder" in refused("evaluate", absent, "--weights", weights, "--out", tmp_path / "result.json")
    refused("pretrain", absent, "--out", tmp_path / "run")
    assert main(["train", str(a2d_copy), "--out", str(tmp_path / "run"), "--backbone", str(absent)]) == 2
    assert "has a single training video" in capfd.readouterr().err and not (tmp_path / "run").exists()
