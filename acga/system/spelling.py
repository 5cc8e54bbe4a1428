"""Errors as the command line tells them: Python's names replaced by the options that set them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from .. import config

_RECIPES = {"TrainConfig": "", "PretrainConfig": "", "LossConfig": "loss.", "SynthesisConfig": ""}  # options and what is before their names


def spell_as_options(message: str) -> str:
    """An error with the fields of dataclasses replaced by their options.

    >>> spell_as_options("LossConfig: foreground_weight is -1; it must be at least 0.")
    '--loss.foreground-weight is -1; it must be at least 0.'
    >>> spell_as_options('It diverged; choose a smaller learning_rate. Give words="vectors.bin". See /tmp/batch_size/log.')
    'It diverged; choose a smaller --learning-rate. Give --words vectors.bin. See /tmp/batch_size/log.'
    >>> spell_as_options("runs/a holds a run with other settings (train.loss.dice is 0.0 there, 1.0 here).")
    'runs/a holds a run with other settings (--loss.dice is 0.0 there, 1.0 here).'
    """
    message = re.sub(r'(?<![\w/.-])words="([^"]+)"', r"--words \1", message.replace("ACGAConfig: ", "--change: "))
    message = re.sub(r"(?<![\w/.-])(?:word_width|vocabulary_size|backbone_width|clip_length)=", r"--change \g<0>", message)
    # arguments of Segmenter, which has no table of options
    message = re.sub(r"^(?:second_size|smooth)\b", lambda found: f"--{found[0].replace('_', '-')}", message)
    message = re.sub(r"\b\w+Options: (\w+)", lambda found: f"--{found[1].replace('_', '-')}", message)
    message = re.sub(r"\(train\.([\w.]+) is ", lambda found: f"(--{found[1].replace('_', '-')} is ", message)
    message = re.sub(r"\(model\.(\w+) is ", r"(--change \1 is ", message)
    for kind, prefix in _RECIPES.items():
        names = [one.name for one in dataclasses.fields(getattr(config, kind))]
        named = re.match(rf"{kind}: ({'|'.join(names)})\b", message)
        if named is not None:
            message = f"--{prefix}{named[1].replace('_', '-')}{message[named.end() :]}"
        long = "|".join(name for name in names if "_" in name)
        message = re.sub(rf"(?<![\w/.-])(?:{long})(?![\w/]|\.\w)", lambda found: f"--{prefix}{found[0].replace('_', '-')}", message)  # noqa: B023
    return message


def name_option(message: str, options: Any) -> str:
    """An error that begins with the path that was given to an option, begun with that option; arguments without a name stay.

    >>> from acga.options import EvaluateOptions
    >>> options = EvaluateOptions(root=Path("drawn"), out=Path("result.json"), words=Path("few.bin"))
    >>> name_option("few.bin: cannot be read.", options), name_option("drawn has no videos.", options)
    ('--words few.bin: cannot be read.', 'drawn has no videos.')
    """
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        if isinstance(value, Path) and "Positional" not in str(field.type) and re.match(rf"{re.escape(str(value))}[:,]? ", message):
            return f"--{field.name.replace('_', '-')} {message}"
    return message
