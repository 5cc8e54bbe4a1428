"""Files of weights as plain state dicts: ours (safetensors), official ACGA, hassony2, piergiaj and EfficientNet-Lite.

Whatever the file, `read_state_dict` gives the names of our own modules. Pickles are read by torch's weights-only loader, which
refuses everything but tensors and plain containers: code inside a file is never executed.
"""

from __future__ import annotations

import io
import json
import pickle
import re
import tarfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict

import safetensors
import torch
from safetensors.torch import load as load_safetensors
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import WeightsError
from ..system.files import atomic_write, git_blob_id, parse_json
from ..system.schema import Share
from .convert import from_efficientnet_lite, from_hassony2, from_official, from_piergiaj

Format = Literal["acga", "official", "hassony2", "piergiaj", "efficientnet_lite"]
STATISTICS = (".running_mean", ".running_var", ".mean", ".scale")  # of features: never rounded to 16 bits
COUNTERS = "num_batches_tracked"  # of BatchNorm: not used
METADATA_KEY = "acga"  # of the safetensors header; its value is JSON


class _SafetensorsHeader(TypedDict, total=False):
    __metadata__: dict[str, str]


class _Presence(TypedDict):
    """The thresholds of `Presence`."""

    not_here: Share
    found: Share


class _Metadata(TypedDict, total=False):
    """Our entry of the header."""

    config: dict[str, Any]
    backbone: dict[str, Any]
    words: list[str] | dict[str, str] | None
    provenance: dict[str, Any]
    presence: _Presence | None


class StoredWeights(NamedTuple):
    """The content of a file of weights."""

    state: dict[str, Tensor]  # by the names of our modules
    format: Format
    metadata: dict[str, Any]  # ours: config, words, provenance; empty for the others
    git_blob: str  # of the file, as git names it


@dataclass(frozen=True, kw_only=True)
class WeightsSource:
    """The file that a model's weights were read from."""

    name: str  # as it was asked for: an embedded name, or a path
    git_blob: str
    provenance: dict[str, Any]  # from the file's header (command, seed, …); empty for files that are not ours


def read_state_dict(path: str | Path) -> StoredWeights:
    """The tensors of a file under our names, its format, and its metadata.

    An I3D (ours, hassony2's, piergiaj's) has the names of `I3D`, an image network those of `ImageBackbone`, an ACGA (ours, official)
    those of `ACGA`, its backbone under `backbone.`.
    Raises `WeightsError`: no such file, truncated, not weights, other objects than tensors inside, or names of no known format.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path} is not a file: give the path of a file of weights.")
    try:
        content = path.read_bytes()  # once: what is named by its hash is what is loaded
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error}).") from error
    blob = git_blob_id(content)
    if path.suffix == ".safetensors":
        return StoredWeights(*_parse_safetensors(content, path), blob)
    state = _parse_pickle(_unpacked(content, path), path)
    try:
        return _translate({name.removeprefix("module."): value for name, value in state.items()}, path, blob)
    except (ValueError, TypeError, IndexError, RuntimeError) as error:  # tensors of other shapes than their names promise
        raise WeightsError(f"{path} is damaged: its tensors do not fit their names ({error}).") from error


def _translate(state: dict[str, Tensor], path: Path, blob: str) -> StoredWeights:
    """Weights of others under our names."""
    if "attention_layer.video_reduce.weight" in state or any(name.startswith("video_model.") for name in state):
        return StoredWeights(from_official(state), "official", {}, blob)
    if "conv3d_1a_7x7.conv3d.weight" in state:
        return StoredWeights(from_hassony2(state), "hassony2", {}, blob)
    if "Conv3d_1a_7x7.conv3d.weight" in state:
        return StoredWeights(from_hassony2({from_piergiaj(name): value for name, value in state.items()}), "piergiaj", {}, blob)
    if "_conv_stem.weight" in state:
        return StoredWeights(from_efficientnet_lite(state), "efficientnet_lite", {}, blob)
    first = next(iter(state), "nothing")
    raise WeightsError(f"{path} is neither official ACGA, hassony2, piergiaj nor EfficientNet-Lite weights: its first entry is {first!r}.")


def load_into(module: nn.Module, state: Mapping[str, Tensor], *, source: str | Path) -> None:
    """Copy `state` into `module`; the names and shapes must be the same, but for BatchNorm's counters, which old files lack.

    Raises `WeightsError` with the first difference; then the module is left as it was.
    """
    check_fit(module, state, source=source)
    module.load_state_dict(state, strict=False)


def check_fit(module: nn.Module, state: Mapping[str, Tensor], *, source: str | Path) -> None:
    """Raise `WeightsError` with the first difference between the names and shapes of `module`, which may be on "meta", and of `state`."""
    expected = module.state_dict()
    for name, value in expected.items():
        if name not in state and name.endswith(COUNTERS):
            continue
        if name not in state:
            raise WeightsError(f"{source} has no {name}, which this architecture needs: use the configuration that it was saved with.")
        if state[name].shape != value.shape:
            found, wanted = tuple(state[name].shape), tuple(value.shape)
            raise WeightsError(f"{source}: {name} is {found}, this architecture needs {wanted}: use the configuration of the file.")
    surplus = next((name for name in state if name not in expected), None)
    if surplus is not None:
        raise WeightsError(f"{source} has {surplus}, which this architecture lacks: use the configuration that it was saved with.")


def save_state_dict(path: str | Path, state: Mapping[str, Tensor], *, metadata: Mapping[str, Any], half: bool = False) -> None:
    """Write our format, whole or not at all.

    `metadata` must be ready for JSON. With `half`, floating-point tensors are stored as fp16, except statistics of features and
    tensors with a value that fp16 cannot hold. Raises `AcgaError` when the folder or disk refuses.
    """
    tensors = {name: _stored(name, value, half) for name, value in state.items()}
    try:
        with atomic_write(path) as temporary:
            save_file(tensors, temporary, metadata={METADATA_KEY: json.dumps(metadata)})
    except safetensors.SafetensorError as error:  # it tells of a full disk by an error of its own
        raise WeightsError(f"Could not write {path} ({error}): choose another folder, or make room there.") from error


def _stored(name: str, value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    if not half or not value.is_floating_point() or name.endswith(STATISTICS):
        return value
    halved = value.to(torch.float16)
    return halved if bool(halved.isfinite().all()) else value


def _parse_safetensors(content: bytes, path: Path) -> tuple[dict[str, Tensor], Format, dict[str, Any]]:
    try:
        state = load_safetensors(content)
        size = int.from_bytes(content[:8], "little")
        header = parse_json(content[8 : 8 + size], _SafetensorsHeader).get("__metadata__", {}).get(METADATA_KEY)
        metadata = None if header is None else parse_json(header, _Metadata)
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors ({error}): it is damaged or incomplete.") from error
    if metadata is None:
        raise WeightsError(f"{path} is a safetensors file, but not one that ACGA wrote: its header has no {METADATA_KEY!r} entry.")
    return state, "acga", metadata


def _unpacked(content: bytes, path: Path) -> bytes:
    """The file of weights in a tar archive, as the official ones are published (`ckpt.tar`); anything else as it is.

    Raises `WeightsError` when there is no such file in it, or more than one.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            files = [member for member in archive.getmembers() if member.isfile()]
            inside = [member for member in files if Path(member.name).name.lower().endswith((".pth", ".pt", ".pth.tar"))]
            if len(inside) == 1 and inside[0].size <= len(content) and (packed := archive.extractfile(inside[0])) is not None:
                return packed.read()  # holes in a sparse file could fill the memory
            names = [Path(member.name).name for member in inside or files]
    except (tarfile.TarError, ValueError, OSError, EOFError):
        return content
    if {"pickle", "storages"} <= set(names):  # torch's own form until 2016
        return content
    held = (
        f"several files of weights ({', '.join(names[:4])})" if inside else f"no file of weights, but {', '.join(names[:4]) or 'nothing'}"
    )
    raise WeightsError(f"{path} is a tar archive with {held}: unpack it, and give the .pth.tar to be used.")


def _parse_pickle(content: bytes, path: Path) -> dict[str, Tensor]:
    try:
        _refuse_packed(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles that torch did not write; what matters is raised
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        unsafe = re.search(r"GLOBAL (\S+)", str(error))
        if unsafe:
            raise WeightsError(f"{path} holds {unsafe[1]}, which could run code: only plain tensors are loaded.") from error
        raise WeightsError(f"{path} cannot be read as PyTorch weights: it is damaged or something else.") from error
    except Exception as error:  # torch raises RuntimeError, EOFError, KeyError, ValueError … for damaged files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} cannot be read as PyTorch weights ({reason}): it is damaged or incomplete.") from error
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{path} holds no state dict: a mapping of names to tensors, or one under 'state_dict', was expected.")
    strange = [name for name, value in loaded.items() if not isinstance(name, str) or not _is_plain(value)]
    if strange:
        raise WeightsError(f"{path} holds {strange[0]!r}, which is no plain tensor of numbers with a name: it is no file of weights.")
    return loaded


def _refuse_packed(content: bytes) -> None:
    """Raise ValueError for a zip archive that would grow by unpacking: torch packs nothing, and a small file could fill the memory."""
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > len(content):
                raise ValueError("it is compressed, which torch does not do")


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is dense, real and really there: not a few numbers that pose as millions."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
