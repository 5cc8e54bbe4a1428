"""Whole networks from and to files: the embedded ones by name, ours and official ones by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..config import ACGAConfig
from ..data.text import COLOUR_CONTRAST, GLOVE, Vocabulary, WordTable, glove, read_word_records, tokenise
from ..errors import ConfigError, WeightsError
from ..system.files import git_blob_id
from .network import ACGA, build_backbone
from .presence import Presence
from .state_dicts import StoredWeights, WeightsSource, check_fit, load_into, read_state_dict, save_state_dict

# The embedded word vectors, as the header of a file names them.
NAMED_GLOVE = {"embedded": GLOVE.name, "git_blob": git_blob_id(GLOVE), "colour_contrast": str(COLOUR_CONTRAST)}
MOST_WORDS = 100_000  # taken from a file of word vectors when no vocabulary says which are wanted


def load_model(
    name_or_path: str | Path,
    config: ACGAConfig | None = None,
    words: str | Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> ACGA:
    """An ACGA in evaluation mode, from an embedded name ("mini"), one of our files (.safetensors) or an official one (.pth, .pth.tar).

    Where they come from is kept in `.source`.

    Args:
        config: the architecture; by default the one kept in our files, and `ACGAConfig.paper()` for official ones.
        words: a word2vec binary file. Official weights have no word table of their own: without it, use `from_features`.
        vocabulary: the words to read from it; by default the file's own, or the most frequent of the word2vec file.

    Raises `WeightsError`: no such file, not weights of an ACGA, or of another architecture than `config`.
    """
    path = locate_weights(name_or_path)
    weights = read_state_dict(path)
    if "text_encoder.convolution.weight" not in weights.state:
        raise WeightsError(f"{path} holds a backbone ({weights.format} format) and no ACGA: it is what acga train takes as --backbone.")
    try:
        model = _build(weights, config, path)
    except (
        ConfigError,
        TypeError,
        ValueError,
        RuntimeError,
        OverflowError,
    ) as error:  # of what its header or the config asks for
        raise WeightsError(f"{path} does not fit: {error}") from error
    model.source = WeightsSource(name=str(name_or_path), git_blob=weights.git_blob, provenance=weights.metadata.get("provenance", {}))
    if words is not None:
        if vocabulary is None:
            vocabulary = model.vocabulary or frequent_words(words)
        table = WordTable.from_word2vec(words, vocabulary, width=model.config.word_channels)
        model.word_table = fixed_word_table(table)
        model.vocabulary = vocabulary
        model.config = replace(model.config, vocabulary_size=len(vocabulary))
    return model.eval()


def save_model(model: ACGA, path: str | Path, *, provenance: Mapping[str, Any] | None = None, half: bool = False) -> None:
    """Save in our format, whole or not at all, with config and vocabulary; `provenance` (command, seed, …) is kept in the header.

    With `half`, weights are stored as fp16 (statistics of features stay fp32). The embedded word vectors are not repeated in the file,
    which names them and their git blob instead: they come with the package that the file needs anyway, and are 2 MB.
    """
    named = _has_glove(model)
    metadata = {
        "architecture": "ACGA",
        "config": model.config.to_dict(),
        "backbone": model.backbone.settings(),
        "words": NAMED_GLOVE if named else None if model.vocabulary is None else list(model.vocabulary.words),
        "presence": None if model.presence is None else asdict(model.presence),
        "provenance": dict(provenance or {}),
    }
    state = {name: value for name, value in model.state_dict().items() if not (named and name == "word_table.weight")}
    save_state_dict(path, state, metadata=metadata, half=half)


def locate_weights(name_or_path: str | Path) -> Path:
    """The path of embedded weights by name, or the path itself. Raises `WeightsError` if there is neither."""
    embedded = Path(str(resources.files("acga") / "embedded"))
    inside = embedded / f"{name_or_path}.safetensors"
    if isinstance(name_or_path, str) and Path(name_or_path).name == name_or_path and inside.is_file():
        return inside
    if not Path(name_or_path).is_file():
        names = ", ".join(sorted(path.stem for path in embedded.glob("*.safetensors"))) or "none"
        raise WeightsError(f"{name_or_path} is neither a file of weights nor the name of embedded ones ({names}).")
    return Path(name_or_path)


def frequent_words(path: str | Path, most: int = MOST_WORDS) -> Vocabulary:
    """The first words of a word2vec binary file, which puts frequent ones first, that a query can hold (lower case, a-z)."""
    names = (name.decode("utf-8", errors="replace") for name, _ in read_word_records(Path(path)))
    return Vocabulary(list(dict.fromkeys(islice((name for name in names if tokenise(name) == [name]), most))))


def _build(weights: StoredWeights, config: ACGAConfig | None, path: Path) -> ACGA:
    metadata = weights.metadata
    if config is None:
        config = ACGAConfig.from_dict(metadata["config"]) if "config" in metadata else ACGAConfig.paper()
    vocabulary, fixed = _read_words(metadata.get("words"), path)
    has_words = "word_table.weight" in weights.state
    # The I3D of an official file goes on to mixed_5c, which ACGA does not use.
    state = {name: value for name, value in weights.state.items() if not name.startswith("backbone.tail.")}

    def build() -> ACGA:
        return ACGA(config, vocabulary, backbone=build_backbone(config, metadata.get("backbone")), with_word_table=has_words)

    with torch.device("meta"):
        check_fit(build(), state, source=path)  # before there is memory for it: a header may ask for any size
    model = build()
    load_into(model, state, source=path)
    if fixed is not None:
        model.word_table = fixed_word_table(fixed)
    if metadata.get("presence"):
        model.presence = Presence(**metadata["presence"])
    return model


def fixed_word_table(table: WordTable) -> nn.Embedding:
    """Word vectors as a layer that is not trained."""
    return nn.Embedding.from_pretrained(torch.from_numpy(table.vectors.copy()), freeze=True, padding_idx=0)


def _has_glove(model: ACGA) -> bool:
    """Whether the words and their vectors are the embedded ones."""
    if model.vocabulary is None or model.word_table is None:
        return False
    vocabulary, table = glove()
    return model.vocabulary.words == vocabulary.words and np.array_equal(model.word_table.weight.detach().cpu().numpy(), table.vectors)


def _read_words(words: list[str] | dict[str, str] | None, path: Path) -> tuple[Vocabulary | None, WordTable | None]:
    """The vocabulary that a header lists, or the embedded one that it names, with its vectors."""
    if not isinstance(words, dict):
        return (None if words is None else Vocabulary(words)), None
    if words != NAMED_GLOVE:
        raise WeightsError(f"{path} needs the word vectors {words}, but this package has {NAMED_GLOVE}: use that of the file.")
    return glove()
