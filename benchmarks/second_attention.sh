#!/usr/bin/env bash
# Attempts to let language guided vision attention work as published (eq. 8 without a residual), on held-out training videos; a quarter of an
# hour of a core. Run after learning_rates.py of study_again.sh, in its folder and with its data; RATE is what that chose for ACGA.
#
#     bash benchmarks/second_attention.sh RATE
set -euo pipefail
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
try() {
  acga train data/train --backbone mini.safetensors --words glove --network mini --change residual=false size=192 "$2" --batch-size 32 \
    --sentences-per-clip 4 --decay-every 0 --precision bf16 --coarse-start --loss.resolution-weights 1 0 0 --loss.other-actors-weight 2 \
    --validation-samples 400 --workers 0 --features runs/second/features/train --epochs 2 --seed 100 --out "runs/attempts/$1" \
    --learning-rate "$rate" "${@:3}"
}
rate=$1
try published_start rescale_features=true --attention-rate 0.5  # weights of variance 0.02^2 at first, not of 1 / inputs
try full_rate rescale_features=true --attention-rate 1 --scaled-attention
try tenth_of_the_rate rescale_features=true --attention-rate 0.1 --scaled-attention
try unit_norm_features rescale_features=false --attention-rate 0.5 --scaled-attention  # eq. 2 as published: scores near zero, so that all pixels are looked at alike
