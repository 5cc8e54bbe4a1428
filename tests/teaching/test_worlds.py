"""In each small world the part that it is made for is the difference between failing and solving."""

import pytest
import torch

from acga.teaching.worlds import (
    Enlarged,
    Reader,
    learn,
    lit_and_dark,
    marks,
    masks,
    mean_iou,
    odd_one_out,
    pointed_right,
    points_at,
    small_decoder,
    thin_outlines,
    tiny_actors,
)

pytestmark = pytest.mark.usefixtures("one_thread")
WORLDS = (odd_one_out, lit_and_dark, thin_outlines, tiny_actors)


def trained(make, loss, *, steps, decoder=None, **options):
    """A network that has learned a world, and an exam."""
    world = make(1000, seed=1)
    parts = {name: options.pop(name) for name in ("vision_guided_language", "language_guided_vision") if name in options}
    network = Reader(world, decoder=decoder(world) if decoder else None, **parts)
    losses = learn(network, world, loss, steps=steps, **options)
    assert losses[-1] < losses[0]
    return network, make(100, seed=2)


def test_the_odd_one_is_found_by_comparing_pixels():
    assert pointed_right(*trained(odd_one_out, points_at, steps=100, learning_rate=2e-2, language_guided_vision=True)) > 0.8
    assert pointed_right(*trained(odd_one_out, points_at, steps=50)) < 0.4


def test_a_cell_does_what_the_word_about_it_says():
    attended, exam = trained(lit_and_dark, marks(), steps=140, vision_guided_language=True)
    pooled, _ = trained(lit_and_dark, marks(), steps=70)
    assert mean_iou(masks(attended, exam), exam) > 0.7 > 0.6 > mean_iou(masks(pooled, exam), exam)


def test_a_thin_outline_needs_the_decoder():
    fine, exam = trained(thin_outlines, marks(), steps=40, batch_size=4, decoder=small_decoder)
    coarse, _ = trained(thin_outlines, marks(), steps=40, batch_size=4, decoder=Enlarged)
    assert mean_iou(masks(fine, exam, relative=True), exam) > 0.25
    assert mean_iou(masks(coarse, exam, relative=True), exam) < 0.15


def test_tiny_actors_need_a_weight():
    touched = {}
    for weight in (1.0, 4.0):
        network, exam = trained(tiny_actors, marks(weight), steps=80, batch_size=16, learning_rate=2e-2)
        touched[weight] = (masks(network, exam) & (exam.target > 0)).flatten(1).any(dim=1).float().mean()
    assert touched[1.0] == 0 and touched[4.0] > 0.9


@pytest.mark.parametrize("make", WORLDS, ids=lambda make: make.__name__)
def test_worlds_and_trainings_are_deterministic(make):
    world = make(40, seed=3)
    assert all(torch.equal(*parts) for parts in zip(world, make(40, seed=3), strict=True))
    assert not torch.equal(world.target, make(40, seed=4).target)
    runs = [learn(Reader(world), world, marks(), steps=3) for _ in range(2)]
    assert runs[0] == runs[1]


def test_building_a_network_draws_no_random_numbers_of_the_caller():
    world = tiny_actors(4, seed=0)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Reader(world, vision_guided_language=True)
    assert torch.equal(torch.rand(3), expected)


def test_every_object_but_one_is_common_in_what_is_asked_for():
    world = odd_one_out(50, seed=0)
    looks = world.vision.flatten(2) > 0  # (N, 4, 64): two colours, two kinds
    assert (looks.sum(dim=2).sort(dim=1).values == torch.tensor([1, 1, 4, 4])).all()
    at = world.target.flatten(1).argmax(dim=1)  # (N,)
    of_it = looks.sum(dim=2) == 1  # (N, 4): the colour and the kind that only one object has
    assert (of_it & looks[torch.arange(50), :, at]).sum(dim=1).eq(1).all()


def test_no_pixel_is_more_likely_a_tiny_actor_than_not():
    world = tiny_actors(3000, seed=0)
    seen = world.vision[:, 0].flatten(1).argmax(dim=1)
    near = torch.stack(
        [torch.roll(target, (6 - at // 12, 6 - at % 12), dims=(0, 1)) for target, at in zip(world.target, seen.tolist(), strict=True)]
    )
    assert 0.4 < near.mean(dim=0).max() < 0.5
