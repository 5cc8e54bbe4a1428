#!/usr/bin/env bash
# Two controls of `mini`: its fourth pass, trained further without what the query says, or with the annotated frame in place of the clip.
# (Ours went on from the calibrated file of that pass, which shipped then.)
# Whatever they still know comes from pictures, or from sentences and still pictures, alone. About half an hour on two cores.
#
#     bash benchmarks/mini_controls.sh EFFICIENTNET.pth PHOTOGRAPHS
#
# The arguments are those of `mini.sh`, in whose folder it is run.
set -euo pipefail
efficientnet=$1 photographs=$2

acga data synthesize data/more_scenes --edition 2 --crowded --frames 16 --cutouts "$photographs" --train 1500 --test 0 --seed 18
acga data synthesize data/motion2 --edition 2 --contrasts motion --sentence-style looks --frames 16 --train 1500 --test 0 --seed 22
acga data synthesize data/first2 --frames 16 --train 500 --test 0 --seed 25

blind() {
  acga train data/more_scenes --also data/motion2 1 data/first2 1 --features runs/features_controls --network mini --change motion=true \
    --backbone "$efficientnet" --words glove --decay-every 0 --attention-rate 0.5 --scaled-attention --ema-decay 0.998 \
    --sentences-per-clip 4 --loss.dice 0.5 --loss.other-actors-weight 2 --loss.foreground-weight 2 --validation-samples 150 \
    --checkpoint-every 100 --no-coarse-start --precision bf16 --loss.resolution-weights 1 1 1 --epochs 1 --batch-size 12 \
    --learning-rate 8e-4 --initial runs/masks/last.safetensors --seed 10 "$@"
}
for what in text motion; do
  blind --blind-to $what --out runs/${what}_blind
  for edition in first second; do
    acga evaluate data/${edition}_test --weights runs/${what}_blind/last.safetensors --blind-to $what --out runs/${what}_blind_$edition.json
  done
done
