"""Files of weights: formats, round trips, bad files, and downloads from a server on this machine."""

import dataclasses
import hashlib
import io
import json
import os
import pickle
import re
import tarfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.paths import GOLDEN
from helpers.small import CONFIG, small_model
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import nn

from acga.config import ACGAConfig
from acga.data.text import Vocabulary
from acga.errors import AcgaError, WeightsError
from acga.model import ACGA, I3D
from acga.model import download as downloads
from acga.model import state_dicts as weights
from acga.model.checkpoints import frequent_words, load_model, locate_weights, save_model
from acga.model.download import Download, download
from acga.model.network import load_backbone
from acga.model.state_dicts import WeightsSource, load_into, read_state_dict, save_state_dict
from acga.system.files import atomic_write, git_blob_id

DATA = GOLDEN
TINY = ACGAConfig(size=32, vocabulary_size=8, backbone_width=0.01, language_width=6, vision_widths=(16, 5, 4), classifier_widths=(5, 4, 3))
VOCABULARY = Vocabulary(["dog", "left", "running"])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ACGA(TINY, VOCABULARY).eval()


def responses(model):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        return model(torch.rand(1, 3, 4, 32, 32, generator=generator), torch.tensor([[2, 3, 0]])).large


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir())


# Our format


def test_round_trip(model, tmp_path):
    save_model(model, tmp_path / "deep" / "m.safetensors", provenance={"command": "acga train", "seed": 3})
    again = load_model(tmp_path / "deep" / "m.safetensors")
    assert again.config == TINY
    assert again.vocabulary.words == VOCABULARY.words
    assert not again.training
    torch.testing.assert_close(responses(again), responses(model), rtol=0, atol=0)
    metadata = read_state_dict(tmp_path / "deep" / "m.safetensors").metadata
    assert metadata["provenance"] == {"command": "acga train", "seed": 3}
    path = tmp_path / "deep" / "m.safetensors"
    assert again.source == WeightsSource(name=str(path), git_blob=git_blob_id(path), provenance=metadata["provenance"])
    assert model.source is None
    assert left_behind(tmp_path / "deep") == ["m.safetensors"]


def test_half_precision_is_half_the_size_and_close(model, tmp_path):
    with torch.no_grad():
        model.backbone.stem.conv3d_1a_7x7.normalisation.running_var.fill_(1e6)  # more than fp16 holds
        model.backbone.stem.conv3d_1a_7x7.normalisation.running_mean.fill_(1e-9)  # less than it holds
        model.text_encoder.convolution.bias[0] = 1e5
    save_model(model, tmp_path / "whole.safetensors")
    save_model(model, tmp_path / "half.safetensors", half=True)
    state = read_state_dict(tmp_path / "half.safetensors").state
    assert state["decoder.fusion.weight"].dtype == torch.float16
    assert state["backbone.stem.conv3d_1a_7x7.normalisation.running_var"].dtype == torch.float32
    assert state["text_encoder.convolution.bias"].dtype == torch.float32
    again = load_model(tmp_path / "half.safetensors")
    assert all(value.dtype != torch.float16 for value in again.state_dict().values())
    assert all(bool(value.isfinite().all()) for value in again.state_dict().values())
    assert again.backbone.stem.conv3d_1a_7x7.normalisation.running_mean[0].item() == pytest.approx(1e-9)
    difference = (responses(again) - responses(model)).abs().max()
    assert 0 < difference < 1e-2 * responses(model).abs().max()
    assert (tmp_path / "half.safetensors").stat().st_size < 0.8 * (tmp_path / "whole.safetensors").stat().st_size


def test_the_epsilon_of_the_backbone_is_kept(tmp_path):
    model = ACGA(TINY, backbone=I3D(width=0.01, epsilon=1e-3, padding="input", through="mixed_4f"))
    save_model(model, tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors").backbone.settings() == model.backbone.settings()
    assert I3D.from_file(tmp_path / "m.safetensors").epsilon == 1e-3


def test_weights_without_word_vectors(model, tmp_path):
    model.word_table = model.vocabulary = None
    save_model(model, tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.word_table is None
    assert again.vocabulary is None


def test_an_interrupted_save_leaves_the_old_file(model, tmp_path, monkeypatch):
    save_model(model, tmp_path / "m.safetensors")
    before = (tmp_path / "m.safetensors").read_bytes()

    def full_disk(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(weights, "save_file", full_disk)
    with pytest.raises(WeightsError, match=r"Could not write .*No space left"):
        save_model(model, tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == before
    assert left_behind(tmp_path) == ["m.safetensors"]


def test_saved_files_can_be_read_by_others_on_the_machine(tmp_path):
    with atomic_write(tmp_path / "a") as temporary:
        temporary.write_text("a")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


# Word vectors


def word2vec(path, vectors):
    width = len(next(iter(vectors.values())))
    with open(path, "wb") as file:
        file.write(f"{len(vectors)} {width}\n".encode())
        for word, vector in vectors.items():
            file.write(word.encode() + b" " + np.asarray(vector, dtype="<f4").tobytes())
    return path


def test_word_vectors_are_added_to_weights_without_them(model, tmp_path):
    model.word_table = model.vocabulary = None
    save_model(model, tmp_path / "m.safetensors")
    vectors = {"</s>": np.ones(6), "dog": np.full(6, 2), "New_York": np.ones(6), "left": np.full(6, 3), "dog's": np.full(6, 4)}
    path = word2vec(tmp_path / "vectors.bin", vectors)
    again = load_model(tmp_path / "m.safetensors", words=path)
    assert again.vocabulary.words == ("dog", "left", "dog's")  # what a query can hold
    tokens = torch.from_numpy(again.vocabulary.encode("left dog, unknown", length=5))[None]
    torch.testing.assert_close(again.embed(tokens)[0, :, 0], torch.tensor([3.0, 2.0, 0.0, 0.0, 0.0]))
    chosen = load_model(tmp_path / "m.safetensors", words=path, vocabulary=Vocabulary(["left"]))
    assert chosen.vocabulary.words == ("left",)
    save_model(again, tmp_path / "with_words.safetensors")
    torch.testing.assert_close(load_model(tmp_path / "with_words.safetensors").embed(tokens), again.embed(tokens))


def test_the_most_frequent_words_come_first(tmp_path):
    path = word2vec(tmp_path / "vectors.bin", {word: np.ones(3) for word in ("the", "Paris", "dog", "red")})
    assert frequent_words(path, most=2).words == ("the", "dog")


def test_word_vectors_of_another_width_are_refused(model, tmp_path):
    save_model(model, tmp_path / "m.safetensors")
    path = word2vec(tmp_path / "vectors.bin", {"dog": np.ones(5)})
    with pytest.raises(WeightsError, match="5 values, the model takes 6"):
        load_model(tmp_path / "m.safetensors", words=path)


# Bad files


class Opens:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))], ids=["torch", "pickle"])
def test_code_in_a_pickle_is_never_run(write, tmp_path):
    write({"state_dict": {"weight": Opens(tmp_path / "harmed")}}, tmp_path / "evil.pth.tar")
    with pytest.raises(WeightsError, match=r"evil.pth.tar .*(could run code|damaged or something else|damaged or incomplete)"):
        load_model(tmp_path / "evil.pth.tar")
    assert not (tmp_path / "harmed").exists()


def test_which_object_was_refused_is_named(tmp_path):
    torch.save({"state_dict": {"weight": Opens(tmp_path / "harmed")}}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match=r"holds \S*open, which could run code: only plain tensors are loaded"):
        read_state_dict(tmp_path / "evil.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_truncated_files(suffix, keep, model, tmp_path):
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pth":
        torch.save(model.state_dict(), path)
    else:
        save_model(model, path)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    with pytest.raises(WeightsError, match=r"cut.* (damaged|incomplete)") as raised:
        load_model(path)
    assert "\n" not in str(raised.value)


def test_files_that_are_no_weights(tmp_path):
    (tmp_path / "text.pth").write_text("These are not weights.\n")
    with pytest.raises(WeightsError, match=r"text.pth cannot be read as PyTorch weights"):
        read_state_dict(tmp_path / "text.pth")
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="holds no state dict"):
        read_state_dict(tmp_path / "list.pth")
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(WeightsError, match="piergiaj nor EfficientNet-Lite weights: its first entry is 'weight'"):
        read_state_dict(tmp_path / "linear.pth")
    save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="not one that ACGA wrote"):
        read_state_dict(tmp_path / "other.safetensors")
    for missing in (tmp_path / "nothing.pth", tmp_path):
        with pytest.raises(WeightsError, match="is not a file"):
            read_state_dict(missing)
    with pytest.raises(WeightsError, match="neither a file of weights nor the name of embedded ones"):
        load_model("maxi")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language_width": 7}, r"m.safetensors: word_table.weight is \(8, 6\), this architecture needs \(8, 7\)"),
        (
            {"classifier_widths": (5, 4, 9)},
            r"classifiers.large.layers.0.weight is \(3, 18, 3, 3\), this architecture needs \(9, 18",
        ),
        ({"fused_resolutions": 1}, r"has decoder.fusion.\w+, which this architecture lacks"),
        ({"matching": "dynamic_convolution"}, "has no decoder.classifiers.small.filter.weight, which this architecture needs"),
        ({"backbone_width": 1.0, "vision_widths": (832, 5, 4)}, "does not fit: ACGA needs a backbone through mixed_4f, 832 channels wide"),
        ({"vocabulary_size": 3}, "does not fit: The vocabulary has 5 ids"),
    ],
)
def test_another_architecture_is_named_by_its_first_difference(changes, message, model, tmp_path):
    save_model(model, tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match=message):
        load_model(tmp_path / "m.safetensors", config=dataclasses.replace(TINY, **changes))


def test_a_refused_state_changes_nothing(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = {name: value + 1 for name, value in before.items()} | {"surplus": torch.zeros(1)}
    with pytest.raises(WeightsError, match="file has surplus, which this architecture lacks"):
        load_into(model, state, source="file")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_impossible_metadata(model, tmp_path):
    def saved_with(**changes):
        path = tmp_path / "odd.safetensors"
        metadata = {"config": TINY.to_dict(), "backbone": model.backbone.settings(), "words": None} | changes
        save_state_dict(path, model.state_dict(), metadata=metadata)
        return path

    assert load_model(saved_with()).config == TINY
    with pytest.raises(WeightsError, match="does not fit: ACGAConfig has no field 'wings'"):
        load_model(saved_with(config=TINY.to_dict() | {"wings": 2}))
    with pytest.raises(WeightsError, match=r"there is no \"wings\""):
        load_model(saved_with(backbone={"wings": 2}))


def pack(path, **files):
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./ACGA/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_weights_in_a_tar_archive_are_unpacked(tmp_path):
    """As the official ones are published."""
    names = json.loads((GOLDEN / "official_acga_names.json").read_text())
    buffer = io.BytesIO()
    torch.save({"epoch": 9, "state_dict": {name: torch.zeros(1) for name in names}}, buffer)
    packed = pack(tmp_path / "ckpt.tar", **{"model_best.pth.tar": buffer.getvalue(), "README": b"text"})
    (tmp_path / "model_best.pth.tar").write_bytes(buffer.getvalue())
    found, plain = read_state_dict(packed), read_state_dict(tmp_path / "model_best.pth.tar")
    assert found.format == "official" and found.state.keys() == plain.state.keys()
    assert found.git_blob == git_blob_id(packed)
    with pytest.raises(WeightsError, match=r"several files of weights \(a\.pth, b\.pth\.tar\)"):
        read_state_dict(pack(tmp_path / "two.tar", **{"a.pth": b"", "b.pth.tar": b""}))
    with pytest.raises(WeightsError, match=r"no file of weights, but README: unpack it"):
        read_state_dict(pack(tmp_path / "none.tar", README=b"text"))
    with pytest.raises(WeightsError, match="damaged"):
        (tmp_path / "cut.tar").write_bytes(packed.read_bytes()[:2000])
        read_state_dict(tmp_path / "cut.tar")


def test_an_i3d_is_no_acga(tmp_path):
    I3D(width=0.01).to_file(tmp_path / "i3d.safetensors")
    with pytest.raises(WeightsError, match=r"holds a backbone \(acga format\) and no ACGA"):
        load_model(tmp_path / "i3d.safetensors")


def test_official_weights_under_a_narrower_configuration(tmp_path):
    names = json.loads((DATA / "official_acga_names.json").read_text())
    torch.save({"state_dict": {name: torch.zeros(shape) for name, shape in names.items()}}, tmp_path / "official.pth.tar")
    with pytest.raises(WeightsError, match=r"official.pth.tar: backbone\S+ is \(64, 3, 7, 7, 7\), this .* needs \(4, 3, 7, 7, 7\)"):
        load_model(tmp_path / "official.pth.tar", config=TINY)


def test_embedded_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("here.safetensors").write_bytes(b"")
    assert locate_weights("here.safetensors") == Path("here.safetensors")
    with pytest.raises(WeightsError, match=r"../here is neither"):
        locate_weights("../here")


# Downloads


REDIRECTS = {"/file": "file:///etc/passwd", "/itself": "/itself", "/odd": "http://[::1", "/long": f"http://{'a' * 300}.org/"}


class Serves(BaseHTTPRequestHandler):
    content = b"weights " * 1000

    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path in REDIRECTS:
            self.send_response(302)
            self.send_header("Location", REDIRECTS[self.path])
            self.end_headers()
            return
        if self.path in ("/dripping", "/endless"):
            self.send_response(200)
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b"1" * (1 if self.path == "/dripping" else 10_000))
                time.sleep(0.01)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content[:-9] if self.path == "/cut" else self.content)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Serves)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def test_git_names_files_so(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert git_blob_id(tmp_path / "empty") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # as in every git repository


def test_download_checks_and_keeps(server, tmp_path):
    source = Download(f"{server}/weights", blob_id(Serves.content))
    path = download("w.pt", tmp_path / "new", source=source)
    assert path == tmp_path / "new" / "w.pt"
    assert path.read_bytes() == Serves.content
    unreachable = Download("http://127.0.0.1:9/weights", source.blob)
    assert download("w.pt", tmp_path / "new", source=unreachable) == path  # intact: not fetched again
    path.write_bytes(b"damaged")
    assert download("w.pt", tmp_path / "new", source=source).read_bytes() == Serves.content


@pytest.mark.parametrize(
    ("page", "blob", "message"),
    [
        ("weights", "0" * 40, "gave other bytes than were published"),
        ("cut", blob_id(Serves.content), "other bytes|Could not download"),
        ("missing", "0" * 40, "Could not download .*404|Not Found"),
        *((page[1:], "0" * 40, "Could not download") for page in REDIRECTS),
    ],
)
def test_a_bad_download_leaves_nothing(page, blob, message, server, tmp_path):
    with pytest.raises(WeightsError, match=message):
        download("w.pt", tmp_path, source=Download(f"{server}/{page}", blob))
    assert left_behind(tmp_path) == []


def test_offline(tmp_path):
    with pytest.raises(WeightsError, match=r"Could not download http://127.0.0.1:9/w .*check connection and folder, or fetch it"):
        download("w.pt", tmp_path, source=Download("http://127.0.0.1:9/w", "0" * 40))
    assert left_behind(tmp_path) == []


def test_unknown_download(tmp_path):
    with pytest.raises(WeightsError, match=r"no download called 'x.pt': choose from rgb_imagenet.pt"):
        download("x.pt", tmp_path)


def test_a_folder_that_is_none(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AcgaError, match=r"m\.safetensors cannot be written .*; mend that or choose another place"):
        save_state_dict(tmp_path / "file" / "m.safetensors", {}, metadata={})
    with pytest.raises(AcgaError, match=r"w\.pt cannot be written"):
        download("w.pt", tmp_path / "file", source=Download("http://127.0.0.1:9/w", "0" * 40))


def test_the_header_is_plain_json(model, tmp_path):
    """Others can read config and words without this package."""
    save_model(model, tmp_path / "m.safetensors")
    with safetensors.safe_open(tmp_path / "m.safetensors", framework="np") as file:
        header = json.loads(file.metadata()["acga"])
    assert header["words"] == ["dog", "left", "running"]
    assert header["config"]["language_width"] == 6
    assert os.path.getsize(tmp_path / "m.safetensors") > 1000


@pytest.mark.parametrize(("page", "message"), [("dripping", "slower than 10 kB a second"), ("endless", "does not end within 0 MB")])
def test_a_download_that_does_not_end(page, message, server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE", 0.3)
    monkeypatch.setattr(downloads, "LONGEST_ANSWER", 100_000)
    with pytest.raises(WeightsError, match=message):
        download("w.pt", tmp_path, source=Download(f"{server}/{page}", "0" * 40))
    assert left_behind(tmp_path) == []


def test_headers_that_ask_for_what_is_not_there(tmp_path):
    save_model(small_model(), tmp_path / "w.safetensors")
    state = safetensors.torch.load_file(tmp_path / "w.safetensors")
    metadata = json.loads(read_header(tmp_path / "w.safetensors"))
    for damage in (
        {"backbone": {"width": 4.0, "through": "mixed_4f"}},
        {"backbone": {"width": 1e300, "through": "mixed_4f"}},
        {"backbone": {"breadth": 1}},
        {"backbone": {"width": "wide"}},
        {"config": metadata["config"] | {"language_width": 4096}},
        {"config": metadata["config"] | {"size": "large"}},
        {"words": [1, 2]},
        {"provenance": 3},
    ):
        safetensors.torch.save_file(state, tmp_path / "w.safetensors", metadata={"acga": json.dumps(metadata | damage)})
        with pytest.raises(WeightsError):
            load_model(tmp_path / "w.safetensors")
    safetensors.torch.save_file(state, tmp_path / "w.safetensors", metadata={"acga": "[" * 100_000})
    with pytest.raises(WeightsError, match=r"w\.safetensors cannot be read"):
        load_model(tmp_path / "w.safetensors")


def read_header(path):
    content = path.read_bytes()
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["acga"]


def test_a_counter_of_another_shape_is_refused_and_old_files_need_none(tmp_path):
    state = I3D(width=CONFIG.backbone_width, through="mixed_4f").state_dict()
    name = next(name for name in state if name.endswith("num_batches_tracked"))
    module = I3D(width=CONFIG.backbone_width, through="mixed_4f")
    load_into(module, {key: value for key, value in state.items() if key != name}, source="old")
    with pytest.raises(WeightsError, match=rf"{re.escape(name)} is \(3,\), this architecture needs \(\)"):
        load_into(module, state | {name: torch.zeros(3, dtype=torch.int64)}, source="odd")


def test_a_backbone_for_optical_flow_is_refused(tmp_path):
    I3D(width=CONFIG.backbone_width, through="mixed_4f", input_channels=2).to_file(tmp_path / "flow.safetensors")
    with pytest.raises(WeightsError, match="sees 2 channels, as of optical flow; frames have 3: use weights for RGB"):
        load_backbone(tmp_path / "flow.safetensors", CONFIG)


@pytest.mark.parametrize(
    "entries",
    [
        {3: torch.zeros(2)},
        {None: torch.zeros(2)},
        {"_conv_stem.weight": torch.zeros(1).expand(10**9)},
        {"a": torch.zeros(2, 2).to_sparse()},
        {"a": torch.zeros(2, dtype=torch.complex64)},
    ],
)
def test_entries_that_are_no_plain_tensors_with_names(entries, tmp_path):
    torch.save(entries, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="no plain tensor of numbers with a name"):
        read_state_dict(tmp_path / "w.pth")


def test_a_packed_file_is_not_unpacked(tmp_path):
    torch.save({"a": torch.zeros(10_000_000)}, tmp_path / "w.pth")
    with zipfile.ZipFile(tmp_path / "w.pth") as archive, zipfile.ZipFile(tmp_path / "p.pth", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    assert (tmp_path / "p.pth").stat().st_size < 100_000
    with pytest.raises(WeightsError, match="compressed, which torch does not do"):
        read_state_dict(tmp_path / "p.pth")
