#!/usr/bin/env bash
# Makes results/study/: the paper's claims, measured on the drawn twins. Some hours on two cores; interrupted, it goes on where it stopped.
# Run it from any folder after embedded_default.sh, whose data/ and backbone it uses; runs/study holds the outcome.
set -euo pipefail

# Eight phrasings of each instance, half of them of kinds that no training sentence has.
acga data synthesize data/paraphrases --train 0 --test 75 --sentences 8 --mixed --seed 2

study="--out runs/study --backbone runs/pretrain/model.safetensors --jhmdb data/jhmdb"
# Two processes of one thread each finish sooner than one of two threads; they share features, which the first call makes.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
acga ablate data/a2d $study --grid claims --paraphrases data/paraphrases --seeds 1
acga ablate data/a2d $study --grid claims --paraphrases data/paraphrases --first-seed 1 --seeds 1 &
acga ablate data/a2d $study --grid claims --paraphrases data/paraphrases --first-seed 2 --seeds 1
wait
acga ablate data/a2d $study --grid controls --seeds 3 &
acga ablate data/a2d $study --grid resolutions --seeds 3
wait
acga ablate data/a2d $study --grid foreground_weight --seeds 1 &
acga ablate data/a2d $study --grid foreground_weight --first-seed 1 --seeds 1
wait
