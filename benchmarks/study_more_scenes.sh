#!/usr/bin/env bash
# Makes results/study_third/: the six tests of the second study asked again, of networks that learned from more scenes, by the plan in
# docs/STUDY.md. About 5 minutes of a core a run; interrupted, it goes on where it stopped. data/ and runs/ appear in the folder that it
# is run from.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

acga data synthesize data/train --edition 2 --crowded --frames 16 --train 8000 --test 0 --seed 61
acga data synthesize data/test --edition 2 --frames 16 --train 0 --test 800 --seed 62
acga data synthesize data/jhmdb --layout jhmdb --edition 2 --bystanders --test 300 --seed 63
cp "$here/../acga/embedded/mini.safetensors" mini.safetensors

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
networks=("dynamic convolution" "+ weighted loss" "+ vision guided language" "ACGA" "ACGA, residual")
study="data/test --learn-from data/train --backbone mini.safetensors --words glove --network mini --change residual=false size=192
  --batch-size 32 --sentences-per-clip 4 --attention-rate 0.5 --scaled-attention --coarse-start --loss.resolution-weights 1 0 0
  --loss.other-actors-weight 2 --workers 0 --features runs/third/features --epochs 1 --calibrated"
python "$here/learning_rates.py" $study --out runs/rates --only "${networks[@]}"
acga ablate $study --out runs/third --jhmdb data/jhmdb --no-probes --rates runs/rates/rates.json --only "${networks[@]}" --seeds 5

# As they are kept: packed.
gzip --best --no-name --keep --force runs/third/runs.jsonl runs/third/samples.jsonl
