#!/usr/bin/env bash
# Makes `thin_residual` and its controls from nothing: some hours on two cores. Interrupted, it goes on where it stopped.
# Run it from any folder; data/ and runs/ appear there. Results are kept in results/thin_residual/ of the repository.
# The shipped weights were made by these commands with one difference: their pretraining began from an earlier backbone (results/README.md).
set -euo pipefail

# The drawn data: a twin of each release; crowded scenes to learn from, labelled for the backbone, and with sentences for the rest.
acga data synthesize data/a2d
acga data synthesize data/jhmdb --layout jhmdb --test 120
acga data synthesize data/pretraining --train 5000 --test 0 --sentences 0 --frames 16 --crowded --seed 1
acga data synthesize data/sentences --train 6000 --test 0 --sentences 3 --frames 16 --crowded --seed 3

# The backbone: mostly close-ups of actors, whole frames at the end.
acga pretrain data/pretraining --out runs/pretrain --cache runs/clips --epochs 40 --close-up-share 0.85 --seed 2

# The rest, on sentences: one pass for the network and each control, and a second one for what is shipped.
recipe="--backbone runs/pretrain/model.safetensors --features runs/features --epochs 1 --batch-size 16 --decay-every 0 --attention-rate 0.3 --precision bf16 --half"
acga train data/sentences --out runs/mini $recipe --learning-rate 3e-3
acga train data/sentences --out runs/mini2 $recipe --learning-rate 2e-3 --seed 1 --initial runs/mini/model.safetensors
acga train data/sentences --out runs/text_blind $recipe --learning-rate 3e-3 --blind-to text
acga train data/sentences --out runs/motion_blind $recipe --learning-rate 3e-3 --blind-to motion

# The test split, once for each. (The paper's own form at this size is in the study: study.sh.)
acga evaluate data/a2d --weights runs/mini/model.safetensors --out runs/mini/a2d.json
acga evaluate data/a2d --weights runs/mini2/model.safetensors --out runs/mini2/a2d.json
acga evaluate data/jhmdb --weights runs/mini2/model.safetensors --out runs/mini2/jhmdb.json
acga evaluate data/a2d --weights runs/text_blind/model.safetensors --out runs/text_blind/a2d.json --blind-to text
acga evaluate data/a2d --weights runs/motion_blind/model.safetensors --out runs/motion_blind/a2d.json --blind-to motion
