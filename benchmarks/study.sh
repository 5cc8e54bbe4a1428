#!/usr/bin/env bash
# Makes results/study/: the paper's claims, measured on the drawn twins. About nine hours on two cores; interrupted, it goes on where it
# stopped. Run it from any folder after thin_residual.sh, whose data/ and backbone it uses; runs/study holds the outcome.
set -euo pipefail

# Eight phrasings of each instance, half of them of kinds that no training sentence has.
acga data synthesize data/paraphrases --train 0 --test 75 --sentences 8 --mixed --seed 2

# 1,472 steps on crowded scenes, where there is little to be had without reading.
# Two processes of one thread each finish sooner than one of two threads; they share features, which the first to come makes.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
study="data/a2d --backbone runs/pretrain/model.safetensors --jhmdb data/jhmdb --paraphrases data/paraphrases --out runs/study"
study="$study --learn-from data/sentences --epochs 0.6 --workers 0"
acga ablate $study --first-seed 0 --seeds 3 &
acga ablate $study --first-seed 3 --seeds 2
wait $!
acga ablate $study --grid controls --seeds 1 &
acga ablate $study --grid resolutions --seeds 3
acga ablate $study --grid weighted_fusion --seeds 3
acga ablate $study --grid foreground_weight --seeds 3
wait $!

# As they are kept: packed.
gzip --best --no-name --keep --force runs/study/runs.jsonl runs/study/samples.jsonl
