"""A tiny drawn release, and a study of it."""

from dataclasses import replace

import pytest
import torch
from helpers.small import CONFIG as SMALL

from acga.config import SynthesisConfig, TrainConfig
from acga.data import A2DSentences
from acga.model.i3d import I3D
from acga.options import AblateOptions
from acga.study.questions import Questions
from acga.study.run import ablate
from acga.synthetic.writer import write_a2d, write_jhmdb
from acga.system.computing import choose_accelerator
from acga.training.batches import extract
from acga.training.sentences import build_model

CONFIG = replace(SMALL, vocabulary_size=512, residual=False)
RECIPE = TrainConfig(epochs=0.1, batch_size=8, learning_rate=3.00125e-3, decay_every=0)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A drawn release of either layout with phrasings of both kinds, and a backbone."""
    folder = tmp_path_factory.mktemp("study")
    write_a2d(folder / "a2d", SynthesisConfig(train=6, test=12, sentences=6, mixed=True, workers=1))
    write_jhmdb(folder / "jhmdb", SynthesisConfig(test=2, workers=1))
    torch.manual_seed(0)
    I3D(width=CONFIG.backbone_width, through="mixed_4f").to_file(folder / "backbone.safetensors", provenance={})
    return folder


@pytest.fixture(scope="session")
def config():
    return CONFIG


@pytest.fixture(scope="session")
def questions(place):
    return Questions.open(place / "a2d", CONFIG, jhmdb=place / "jhmdb", paraphrases=place / "a2d")


@pytest.fixture(scope="session")
def build(place):
    """A network of a configuration, with new weights."""
    dataset = A2DSentences(place / "a2d", "train", size=CONFIG.size, clip_length=CONFIG.clip_length)
    return lambda config: build_model(config, dataset, list(range(len(dataset))), place / "backbone.safetensors", None, seed=0)


@pytest.fixture
def model(build):
    return build(CONFIG).eval()


@pytest.fixture(scope="session")
def features(place, build, questions):
    return extract(build(CONFIG).eval(), questions.a2d, place / "cache", accelerator=choose_accelerator("cpu"), workers=0)


@pytest.fixture(scope="session")
def options(place):
    """Options for a study in a folder, of the smallest network."""
    shared = {"root": place / "a2d", "backbone": place / "backbone.safetensors", "jhmdb": place / "jhmdb", "paraphrases": place / "a2d"}
    shared |= {"config": CONFIG, "recipe": RECIPE, "features": place / "features", "workers": 0, "device": "cpu", "seeds": 1}
    return lambda out, **more: AblateOptions(out=out, **(shared | more))


@pytest.fixture(scope="session")
def studied(options, tmp_path_factory):
    """The folder of a study with one run of every variant of the claims and of the controls."""
    out = tmp_path_factory.mktemp("out")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    ablate(options(out, grid="claims"))
    ablate(options(out, grid="controls"))
    torch.set_num_threads(before)
    return out
