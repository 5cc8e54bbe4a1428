#!/usr/bin/env bash
# Makes the embedded default and its controls from nothing: about three hours on two cores. Interrupted, it goes on where it stopped.
# Run it from any folder; data/ and runs/ appear there. Results are kept in results/embedded_default/ of the repository.
set -euo pipefail

# The drawn data: a twin of each release, and clips for pretraining from another seed.
acga data synthesize data/a2d
acga data synthesize data/jhmdb --layout jhmdb --test 120
acga data synthesize data/pretraining --train 5000 --test 0 --sentences 0 --frames 16 --crowded --seed 1

# The backbone, in two runs: whole frames first, then mostly close-ups of actors.
acga pretrain data/pretraining --out runs/pretrain --cache runs/clips --epochs 10
acga pretrain data/pretraining --out runs/pretrain2 --cache runs/clips --epochs 8 --seed 1 --learning-rate 1.5e-3 \
    --close-up-share 0.8 --initial runs/pretrain/model.safetensors

# The rest, on sentences: one pass for the network and each control, and a second one for what is shipped.
recipe="--backbone runs/pretrain2/model.safetensors --features runs/features --epochs 1 --batch-size 16 --decay-every 0 --precision bf16 --half"
acga train data/a2d --out runs/mini $recipe --learning-rate 3e-3
acga train data/a2d --out runs/text_blind $recipe --learning-rate 3e-3 --blind-to text
acga train data/a2d --out runs/mini2 $recipe --learning-rate 2e-3 --seed 1 --initial runs/mini/model.safetensors
# Not run yet: the control that is blind to motion, and the paper's own form at this size.
acga train data/a2d --out runs/motion_blind $recipe --learning-rate 3e-3 --blind-to motion
acga train data/a2d --out runs/faithful $recipe --learning-rate 5e-4 --network faithful_mini

# The test split, once for each.
acga evaluate data/a2d --weights runs/mini/model.safetensors --out runs/mini/a2d.json
acga evaluate data/a2d --weights runs/text_blind/model.safetensors --out runs/text_blind/a2d.json --blind-to text
acga evaluate data/a2d --weights runs/mini2/model.safetensors --out runs/mini2/a2d.json
acga evaluate data/jhmdb --weights runs/mini2/model.safetensors --out runs/mini2/jhmdb.json
