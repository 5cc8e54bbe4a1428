#!/usr/bin/env bash
# Three stems, with the same scenes, steps and size: a thin I3D pretrained on drawn clips, an image network, and that with optical flow.
#
#     bash benchmarks/stems.sh EFFICIENTNET.pth PHOTOGRAPHS FILM
#
# The arguments are those of `mini.sh`. The coarse response alone is trained, for five passes over 1,200 scenes of the second edition, at 256
# pixels; held-out scenes and the film on which choices are made are asked about. Writes results/mini/stems/.
set -euo pipefail
efficientnet=$1 photographs=$2 film=$3
here=$(dirname "$(realpath "$0")")
acga data synthesize data/drawn --edition 2 --crowded --cutouts "$photographs" --frames 16 --train 1200 --test 0 --seed 51

compare() { # NAME BACKBONE CHANGES...
  local name=$1 backbone=$2
  shift 2
  acga train data/drawn --features "runs/features_$name" --network mini --change size=256 "$@" --backbone "$backbone" --words glove \
    --decay-every 0 --attention-rate 0.5 --scaled-attention --ema-decay 0.998 --sentences-per-clip 4 --coarse-start \
    --loss.dice 0.5 --loss.other-actors-weight 2 --loss.foreground-weight 2 --loss.resolution-weights 1 0 0 --validation-samples 300 \
    --epochs 5 --batch-size 24 --learning-rate 1.5e-3 --checkpoint-every 100 --out "runs/$name"
  python "$here/real_pictures.py" "$film" --part train --weights "runs/$name/last.safetensors" --out "runs/${name}_film.json"
  mkdir -p "$here/../results/mini/stems"
  cp "runs/$name/log.jsonl" "$here/../results/mini/stems/$name.jsonl"
  cp "runs/${name}_film.json" "$here/../results/mini/stems/${name}_film.json"
}
compare i3d "$here/../acga/embedded/thin_residual.safetensors" stem=i3d motion=false backbone_width=0.25
compare image "$efficientnet" motion=false
compare image_and_flow "$efficientnet"
