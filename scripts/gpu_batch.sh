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
#   scripts/gpu_batch.sh                     measure, data, words, attributes, acm, vcm
#   scripts/gpu_batch.sh data words          some of them
#   scripts/gpu_batch.sh data ablate         Table 3, and the data that it needs
#   ITERATIONS=5000 scripts/gpu_batch.sh acm with another budget than the one below
#   LIMIT=540 scripts/gpu_batch.sh           what gets done in 540 seconds, and half a minute to end
#   RETURN=folder scripts/gpu_batch.sh       with the results in small files in that folder
#   DEVICE=cpu TOY=1 scripts/gpu_batch.sh    the rehearsal: toy sizes on a CPU, some minutes
#
# BATCH_OUT (runs/gpu_batch) gets data, runs and reports, PYTHON (python3) runs it all. The same
# command again goes on where it was cut off: of a training run 100 iterations are lost at most, a
# data set is drawn from its start. A report that is there stays; delete it to have it made anew.
# RETURN gets the networks in parts of 15 MiB, to be joined by `cat acm.safetensors.* >
# acm.safetensors`, and reports.tar.gz, whatever the end. Needs what `pip install .[simulator]`
# brings; on CUDA scenes are drawn with EGL where MUJOCO_GL says nothing else.
#
# Estimated for an H100 and 16 cores, in minutes, not measured: measure 4, data 2, words 2,
# attributes 2, acm 4, vcm 4, and 2 to score both: 20, or three calls with LIMIT=540. ablate takes
# hours.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

known=(all measure data words attributes acm vcm ablate)
stages=("${@:-all}")
for stage in "${stages[@]}"; do
  [[ " ${known[*]} " == *" $stage "* ]] || { echo "no stage '$stage'; there are: ${known[*]}"; exit 2; }
done
out=${BATCH_OUT:-runs/gpu_batch}
device=${DEVICE:-cuda}
python=${PYTHON:-python3}
failed=()
[ "$device" = cpu ] || export MUJOCO_GL=${MUJOCO_GL:-egl}
if [ -n "${TOY:-}" ]; then
  scenes=100 test_scenes=4 iterations=4 seeds=1 repeats=2 attention_sizes=(8 16)
  presets=(edge) sizes=(64)
else
  scenes=${SCENES:-8000} test_scenes=250 iterations=${ITERATIONS:-} seeds=${SEEDS:-1} repeats=50
  attention_sizes=(20 40 96) presets=(paper edge) sizes=(320)
fi

named() { [[ " ${stages[*]} " == *" $1 "* ]]; }
wanted() { named all || named "$1"; }
time_is_up() { [ -n "${LIMIT:-}" ] && [ "$SECONDS" -ge "$LIMIT" ]; }

refseg() {
  local status=0 left=$((${LIMIT:-SECONDS} - SECONDS))  # 0 without a limit, as timeout has it
  ! time_is_up || exit 124
  timeout --foreground --signal INT --kill-after 20 "$left" \
    "$python" -m ros2_refseg.cli "$@" || status=$?
  if [ "$status" -ne 0 ] && time_is_up; then exit 124; fi
  [ "$status" -ne 130 ] || exit 130  # Ctrl-C
  return "$status"
}

# Writes what a command prints to a report, which appears whole or not at all, and once: report,
# command.
once() { [ -f "$out/$1" ] || { "${@:2}" > "$out/$1.part" && mv "$out/$1.part" "$out/$1"; }; }

# Measures once: report, what, options. It stands for itself, so nothing else stops if it fails.
bench() {
  [ -f "$out/$1.json" ] || {
    refseg bench "${@:2}" --device "$device" --json "$out/$1.part" &&
      mv "$out/$1.part" "$out/$1.json"
  } || failed+=("$1")
}

measure() {
  bench model model --preset "${presets[@]}" --coattention acm vcm --size "${sizes[@]}" \
    --repeats "$repeats"
  bench attention attention --size "${attention_sizes[@]}"
  bench attention_backward attention --size "${attention_sizes[@]}" --backward
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

# Makes a copy of a configuration for this batch: file, iterations, a sed expression.
configured() {
  local file=$out/$(basename "$1")
  sed -e "s#runs/#$out/#" -e "s/^iterations:.*/iterations: ${iterations:-$2}/" \
    -e 's/^checkpoint_every:.*/checkpoint_every: 100/' -e "${3:-}" "$1" > "$file"
  if [ -n "${TOY:-}" ]; then
    sed -i -e 's/image_size: 320/image_size: 64/' -e 's/^images_per_batch:.*/images_per_batch: 2/' \
      -e 's/^coarse_image_size:.*/coarse_image_size: 48/' -e 's/^workers:.*/workers: 1/' "$file"
  fi
  echo "$file"
}

# Trains: name, iterations. A run that is finished need not read all data to find that out.
train() {
  local configuration
  configuration=$(configured "config/train/tabletop_gpu_$1.yaml" "$2")
  ! cmp -s "$configuration" "$out/$1/finished.yaml" || return 0
  refseg train "$configuration" --device "$device" --data "$out/tables" --out "$out/$1"
  cp "$configuration" "$out/$1/finished.yaml"
}

# Trains a network, calibrates it and scores it on tables that it has not seen: name, iterations.
network() {
  local checkpoint=$out/$1/checkpoint.safetensors
  train "$1" "$2"
  # A network that has learned nothing, like the rehearsal's, cannot be calibrated.
  once "calibration_$1.md" refseg calibrate --checkpoint "$checkpoint" --device "$device" \
    --data "$out/tables" --split val --rightly-empty 0.85 || failed+=("calibration_$1")
  once "scores_$1.md" refseg eval --checkpoint "$checkpoint" --device "$device" \
    --data "$out/fresh" --split test --json "$out/scores_$1.json"
}

# Table 3 on all kinds of sentence and at a GPU's size.
ablate() {
  local configuration
  configuration=$(configured config/train/tabletop_ablation.yaml 20000 "
    s/image_size: 128/image_size: 320/; s/^coarse_image_size:.*/coarse_image_size: 240/
    s/^precision:.*/precision: bf16/; s/^workers:.*/workers: 14/")
  refseg ablate "$configuration" --device "$device" --data "$out/tables" --split test \
    --seeds "$seeds" --out "$out/ablation"
}

figures() {
  local report
  printf '\n\n===== all figures =====\n\n'
  for report in "$out"/{model,attention,attention_backward}.json; do
    [ ! -f "$report" ] || "$python" -m ros2_refseg.cli bench table "$report"
  done
  for report in "$out"/{scores,calibration}_*.md "$out"/ablation/ablation.md; do
    [ ! -f "$report" ] || printf '%s\n\n%s\n\n' "$report" "$(cat "$report")"
  done
}

bring_back() {
  local name checkpoint
  mkdir -p "$RETURN"
  for name in acm vcm; do
    checkpoint=$out/$name/checkpoint.safetensors
    [ ! -f "$checkpoint" ] || split -b 15m -d "$checkpoint" "$RETURN/$name.safetensors."
  done
  find "$out" -mindepth 1 \( -name 'tables*' -o -name 'fresh*' \) -prune -o \
    \( -name '*.json' -o -name '*.md' -o -name '*.yaml' \) -printf '%P\0' |
    tar --null -C "$out" -T - -czf "$RETURN/reports.tar.gz"
}

finish() {
  local status=$?
  set +e
  exec >&3  # away from the report that was being written
  figures
  [ -z "${RETURN:-}" ] || bring_back
  [ "${#failed[@]}" -eq 0 ] || echo "failed, reasons are above: ${failed[*]}"
  [ "$status" -ne 124 ] || echo "$LIMIT seconds are over; the same command again goes on"
  exit "$status"
}

mkdir -p "$out"
exec 3>&1
trap finish EXIT
if wanted measure; then measure; fi
if wanted data; then data; fi
if wanted words; then train words 2000; fi
if wanted attributes; then train attributes 2500; fi
if wanted acm; then network acm 3500; fi
if wanted vcm; then network vcm 3500; fi
if named ablate; then ablate; fi
[ -n "${TOY:-}" ] || [ "${#failed[@]}" -eq 0 ]
