#!/usr/bin/env bash
# Copyright 2026 ros2_refseg contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Everything that wants a GPU, in the order of its worth, with all figures in tables at the end:
#
#   scripts/gpu_batch.sh                     measure, data, words, attributes, acm, vcm, ablate
#   scripts/gpu_batch.sh data words          some of them
#   ITERATIONS=5000 scripts/gpu_batch.sh acm with another budget than the configuration's
#   DEVICE=cpu TOY=1 scripts/gpu_batch.sh    the rehearsal: toy sizes on a CPU, some minutes
#
# OUT (runs/gpu_batch) gets data, runs and reports, PYTHON (python3) runs it all. A run that was cut
# off goes on where it was when the same command is given again. Needs what `pip install .[simulator]`
# brings; on CUDA scenes are drawn with EGL where MUJOCO_GL says nothing else.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stages=("${@:-all}")
out=${OUT:-runs/gpu_batch}
device=${DEVICE:-cuda}
python=${PYTHON:-python3}
[ "$device" = cpu ] || export MUJOCO_GL=${MUJOCO_GL:-egl}
if [ -n "${TOY:-}" ]; then
  scenes=100 test_scenes=4 iterations=4 seeds=1 repeats=2 attention_sizes=(8 16)
  presets=(edge) sizes=(64)
else
  scenes=${SCENES:-30000} test_scenes=500 iterations=${ITERATIONS:-} seeds=${SEEDS:-1} repeats=100
  attention_sizes=(20 40 96) presets=(paper edge) sizes=(320)
fi

refseg() { "$python" -m ros2_refseg.cli "$@"; }
wanted() { case " ${stages[*]} " in *" all "* | *" $1 "*) true ;; *) false ;; esac; }

mkdir -p "$out"

measure() {
  refseg bench model --device "$device" --preset "${presets[@]}" --coattention acm vcm \
    --size "${sizes[@]}" --repeats "$repeats" --json "$out/model.json"
  refseg bench attention --device "$device" --size "${attention_sizes[@]}" \
    --json "$out/attention.json"
  refseg bench attention --device "$device" --size "${attention_sizes[@]}" --backward \
    --json "$out/attention_backward.json"
}

# Draws a data set that appears whole, or not at all: name, scenes, seed, other options.
draw() {
  [ ! -d "$out/$1" ] || return 0
  rm -rf "$out/$1.part"
  refseg data tabletop --out "$out/$1.part" --scenes "$2" --seed "$3" "${@:4}"
  mv "$out/$1.part" "$out/$1"
}

data() {
  # 90 % to train on, 5 % to look at on the way and to calibrate, 5 % to score ablations on.
  draw tables "$scenes" 7 --level household
  draw fresh "$test_scenes" 2026 --level household --split test
}

# configured CONFIGURATION [EXPRESSION]: a copy for this batch, as a sed expression changes it.
configured() {
  local file=$out/$(basename "$1")
  sed -e "s#runs/#$out/#" ${iterations:+-e "s/^iterations:.*/iterations: $iterations/"} \
    -e "${2:-}" "$1" > "$file"
  if [ -n "${TOY:-}" ]; then
    sed -i -e 's/image_size: 320/image_size: 64/' -e 's/^images_per_batch:.*/images_per_batch: 2/' \
      -e 's/^coarse_image_size:.*/coarse_image_size: 48/' -e 's/^workers:.*/workers: 1/' "$file"
  fi
  echo "$file"
}

train() {
  refseg train "$(configured "config/train/tabletop_gpu_$1.yaml")" --device "$device" \
    --data "$out/tables" --out "$out/$1"
}

# Trains a network, calibrates it and scores it on tables that it has not seen.
network() {
  local checkpoint=$out/$1/checkpoint.safetensors
  train "$1"
  # A network that has learned nothing, like the rehearsal's, cannot be calibrated.
  refseg calibrate --checkpoint "$checkpoint" --device "$device" --data "$out/tables" \
    --split val --rightly-empty 0.85 > "$out/calibration_$1.md" || echo "$1: not calibrated"
  refseg eval --checkpoint "$checkpoint" --device "$device" --data "$out/fresh" --split test \
    --json "$out/scores_$1.json" > "$out/scores_$1.md"
}

# Table 3 on all kinds of sentence and with the paper's F, as the configuration says, at a GPU's size.
ablate() {
  refseg ablate "$(configured config/train/tabletop_ablation.yaml "
      s/image_size: 128/image_size: 320/; s/^coarse_image_size:.*/coarse_image_size: 240/
      s/^iterations:.*/iterations: ${iterations:-20000}/; s/^workers:.*/workers: 14/")" \
    --device "$device" --data "$out/tables" --split test --seeds "$seeds" --out "$out/ablation"
}

if wanted measure; then measure || echo 'measure: not all could be measured'; fi
if wanted data; then data; fi
if wanted words; then train words; fi
if wanted attributes; then train attributes; fi
if wanted acm; then network acm; fi
if wanted vcm; then network vcm; fi
if wanted ablate; then ablate; fi

printf '\n\n===== all figures =====\n\n'
for report in "$out"/{model,attention,attention_backward}.json; do
  if [ -f "$report" ]; then refseg bench table "$report"; fi
done
for report in "$out"/{scores,calibration}_*.md "$out"/ablation/ablation.md; do
  if [ -f "$report" ]; then printf '%s\n\n%s\n\n' "$report" "$(cat "$report")"; fi
done
