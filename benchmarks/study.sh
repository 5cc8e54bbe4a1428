#!/usr/bin/env bash
# Makes results/study/ and results/study_long/: the paper's claims, measured on the drawn twins. Some hours on two cores; interrupted, it
# goes on where it stopped. Run it from any folder after embedded_default.sh, whose data/ and backbone it uses; runs/ holds the outcome.
set -euo pipefail

# Eight phrasings of each instance, half of them of kinds that no training sentence has.
acga data synthesize data/paraphrases --train 0 --test 75 --sentences 8 --mixed --seed 2

# Two processes of one thread each finish sooner than one of two threads; they share features, which the first to come makes.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
study="data/a2d --backbone runs/pretrain/model.safetensors --jhmdb data/jhmdb"

# Short runs: every variant with the same 422 steps on the twin's own training split.
claims="$study --out runs/study --grid claims --paraphrases data/paraphrases"
acga ablate $claims --first-seed 1 --seeds 1 &
acga ablate $claims --first-seed 2 --seeds 1
wait

# Longer runs: 1,472 steps on crowded scenes, where there is nothing to be had without reading.
longer="$study --out runs/study_long --grid claims --paraphrases data/paraphrases --learn-from data/sentences --epochs 0.6 --seeds 1"
acga ablate $longer --only "dynamic convolution" "ACGA, residual" "+ vision guided language" &
acga ablate $longer --only "+ weighted loss" "ACGA" "+ language guided vision"
wait

# The other grids, short again; in results/ there is one seed of the first two, and no controls yet.
acga ablate $study --out runs/study --grid resolutions --first-seed 1 --seeds 1 &
acga ablate $study --out runs/study --grid foreground_weight --first-seed 1 --seeds 1
wait
acga ablate $study --out runs/study --grid controls --first-seed 1 --seeds 2
