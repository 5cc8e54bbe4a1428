#!/usr/bin/env bash
# Makes results/study*/: the paper's claims, measured on the drawn twins. About half a day on two cores; interrupted, it
# goes on where it stopped. Run it from any folder after embedded_default.sh, whose data/ and backbone it uses; runs/ holds the outcome.
set -euo pipefail

# Eight phrasings of each instance, half of them of kinds that no training sentence has.
acga data synthesize data/paraphrases --train 0 --test 75 --sentences 8 --mixed --seed 2

# Two processes of one thread each finish sooner than one of two threads; they share features, which the first to come makes.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
study="data/a2d --backbone runs/pretrain/model.safetensors --jhmdb data/jhmdb"

# Short runs: 422 steps on the twin's own training split (results/ lacks unit-norm features).
claims="$study --out runs/study --grid claims --paraphrases data/paraphrases"
acga ablate $claims --first-seed 1 --seeds 1 &
acga ablate $claims --first-seed 2 --seeds 1
wait $!

# Longer runs: 1,472 steps on crowded scenes, where there is little to be had without reading.
longer="$study --out runs/study_long --learn-from data/sentences --epochs 0.6"
acga ablate $longer --paraphrases data/paraphrases --first-seed 0 --seeds 3 &
acga ablate $longer --paraphrases data/paraphrases --first-seed 3 --seeds 2
wait $!
acga ablate $longer --grid controls --seeds 1 &
acga ablate $longer --grid resolutions --seeds 3
acga ablate $longer --grid weighted_fusion --seeds 3
acga ablate $longer --grid foreground_weight --seeds 3
wait $!

# Is dynamic convolution thrown back by the learning rate that was chosen for ACGA? The same at a third of it.
gentle="$study --out runs/study_gentle --paraphrases data/paraphrases --learn-from data/sentences --epochs 0.6 --learning-rate 1e-3"
acga ablate $gentle --only "dynamic convolution" --seeds 5 &
acga ablate $gentle --only "+ weighted loss" "+ vision guided language" ACGA --seeds 1
wait $!

# Does phrasing matter (C4) to those who learned one order of words? The same scenes, told in a single order of words.
acga data synthesize data/narrow --train 6000 --test 0 --sentences 3 --frames 16 --crowded --seed 3 --sentence-style one-order
narrow="$study --out runs/study_narrow --paraphrases data/paraphrases --learn-from data/narrow --epochs 0.6 --seeds 1"
acga ablate $narrow --only "+ weighted loss" "+ vision guided language"

# Does context matter (C5) to those who have to learn relations? The same scenes, told so that relations decide more often, in training and test.
acga data synthesize data/relations --train 0 --test 400 --sentence-style relational
relational="data/relations --backbone runs/pretrain/model.safetensors --jhmdb data/jhmdb --paraphrases data/paraphrases"
for speaker in half-relational relational; do
    name=${speaker/-/_}
    acga data synthesize data/$name --train 6000 --test 0 --sentences 3 --frames 16 --crowded --seed 3 --sentence-style $speaker
    acga ablate $relational --out runs/study_$name --learn-from data/$name --epochs 0.6 --seeds 1 --only "+ vision guided language" "ACGA"
done

# The other grids, short again, with one seed in results/.
acga ablate $study --out runs/study --grid resolutions --first-seed 1 --seeds 1 &
acga ablate $study --out runs/study --grid foreground_weight --first-seed 1 --seeds 1
wait $!
