#!/usr/bin/env bash
# Makes results/study_second/ or, from more scenes and with calibrated networks, results/study_third/, or in four passes what the fourth is
# to be: the claims about attention asked again, on the second drawn world, by the plans in docs/STUDY.md. A run of the coarse response takes
# about 4 minutes of a core, the fourth's 25; interrupted, it goes on where it stopped. data/ and runs/ appear in the folder that it is run
# from, which is to be another for each.
#
#     bash benchmarks/study_again.sh second    # or third, or fourth
set -euo pipefail
here=$(dirname "$(realpath "$0")")

case ${1:?second, third or fourth} in
  second) scenes=2400 seed=41 tests=42 seeds=5 trial="--epochs 2" length="--epochs 4" ;;
  third) scenes=8000 seed=61 tests=62 seeds=8 trial="--epochs 1 --calibrated" length="--epochs 1 --calibrated --networks runs/third/networks" ;;
  fourth) scenes=8000 seed=61 tests=82 seeds=5 trial="" length="--epochs 4 --last --precision fp32 --networks runs/fourth/networks" ;;
esac
acga data synthesize data/train --edition 2 --crowded --frames 16 --train $scenes --test 0 --seed $seed
acga data synthesize data/test --edition 2 --frames 16 --train 0 --test 800 --seed $tests
acga data synthesize data/jhmdb --layout jhmdb --edition 2 --bystanders --test 300 --seed $((tests + 1))
cp "$here/../acga/embedded/mini.safetensors" mini.safetensors

export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
networks=("dynamic convolution" "+ weighted loss" "+ vision guided language" "ACGA")
[ "$1" = fourth ] || networks+=("ACGA, residual")
study="data/test --learn-from data/train --backbone mini.safetensors --words glove --network mini --change residual=false size=192
  --batch-size 32 --sentences-per-clip 4 --attention-rate 0.5 --scaled-attention --loss.other-actors-weight 2 --workers 0
  --features runs/$1/features --jhmdb data/jhmdb --no-probes"
coarse="--coarse-start --loss.resolution-weights 1 0 0"
if [ "$1" = fourth ]; then
  mkdir -p runs/rates
  cp "$here/../results/study_third/rates.json" runs/rates/
else
  python "$here/learning_rates.py" $study $coarse --out runs/rates $trial --only "${networks[@]}"
fi
acga ablate $study $coarse --out runs/$1 $length --rates runs/rates/rates.json --only "${networks[@]}" --seeds $seeds
if [ "$1" = fourth ]; then  # the same trainings, calibrated
  acga ablate $study $coarse --out runs/fourth/calibrated $length --calibrated --rates runs/rates/rates.json --only "${networks[@]}" --seeds $seeds
fi

if [ "$1" = third ]; then  # the same networks as trained: what calibration decides, and why the second attention costs
  trained=runs/third/as_trained
  acga ablate $study $coarse --out $trained --epochs 1 --networks runs/third/networks --rates runs/rates/rates.json --only "${networks[@]}" --seeds $seeds
  python "$here/wider_calibration.py" data/train runs/third/networks --features runs/third/features/train --out runs/third/wider.json
  python "$here/alike_actors.py" data/test runs/third/networks/ACGA* --features runs/third/features/a2d/plain --out runs/third/alike.json
  python "$here/longer_training.py" $study $coarse --out runs/longer --rates runs/rates/rates.json --seeds 2 --only "${networks[@]}"
  python "$here/alike_actors.py" data/test runs/longer/ACGA_4_passes_seed_101 --features runs/third/features/a2d/plain \
    --out runs/third/alike_four_passes.json

  # Fusion and loss: all three responses, about 22 minutes of a core a run
  rate=$(python -c "import json; print(json.load(open('runs/rates/rates.json'))['+ weighted loss'])")
  acga ablate $study --out runs/third/fusion --epochs 1 --calibrated --learning-rate "$rate" --only concatenation "+ fusion" "+ weighted loss" --seeds 5
fi

# As they are kept: packed.
find runs/$1 -name runs.jsonl -o -name samples.jsonl | xargs gzip --best --no-name --keep --force
