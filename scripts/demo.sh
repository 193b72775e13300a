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

# Say it, and a live camera stream gets its mask: sets up what is missing (setup_environment.sh),
# starts a simulated camera and the node as processes of their own, publishes a sentence and prints
# a line for every result. demo/overlay.png shows the newest answer. Ends with Ctrl-C.
#
#   scripts/demo.sh                               a sentence that the simulator says is true
#   scripts/demo.sh "the red mug"                 a sentence of yours
#   scripts/demo.sh "the red mug" --frames 100    end after 100 results
#
# With a ROS 2 sourced, camera and node come from `ros2 launch ros2_refseg demo.launch.py`, and RViz
# shows them where it is installed.

set -euo pipefail

case " $* " in
  *' -h '* | *' --help '*)
    sed -n '/^# Say it/,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac

. "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"
cd "$repository"

# Process id -> what it is, and the signal that ends it cleanly.
declare -A names=() signals=()

# start NAME SIGNAL COMMAND...: starts a process in a session of its own, so that Ctrl-C reaches
# this script only, which then ends all in order. Killing the script outright ends them as well.
# The shell starts such a process with SIGINT ignored, and `ros2 launch` would leave it so.
start() {
  local name=$1 signal=$2
  shift 2
  setsid env --default-signal=INT setpriv --pdeathsig "$signal" -- "$@" &
  names[$!]=$name
  signals[$!]=$signal
}

# Ends what still runs: politely, for good after 15 seconds, and with all that it started.
end_all() {
  trap '' INT TERM
  local process deadline=$((SECONDS + 15))
  for process in $(jobs -pr); do
    kill -s "${signals[$process]}" "$process" 2> /dev/null || true
  done
  while [ -n "$(jobs -pr)" ] && [ "$SECONDS" -lt "$deadline" ]; do
    sleep 0.1
  done
  for process in "${!signals[@]}"; do
    kill -KILL -- "-$process" 2> /dev/null || true
  done
}

executables=$repository/install/ros2_refseg/lib/ros2_refseg
start 'the client' TERM \
  "$executables/refseg_demo_client" --overlay "$repository/demo/overlay.png" "$@"
client=$!
trap end_all EXIT
# The client prints its summary and ends, and the rest with it.
trap 'kill -TERM "$client" 2> /dev/null || true' INT TERM

if $ros_is_sourced; then
  # ros2 launch leaves its processes behind on SIGTERM, and ends them on SIGINT.
  start 'the launch' INT ros2 launch ros2_refseg demo.launch.py
else
  start 'the camera' TERM "$executables/refseg_camera"
  start 'the node' TERM "$executables/refseg_node" --ros-args \
    --params-file "$repository/config/refseg.yaml" --remap '~/image:=/camera/image_raw'
fi

# Until the first of them ends. A signal interrupts `wait` without any having ended.
while [ -z "${ended:-}" ]; do
  status=0
  wait -n -p ended "${!names[@]}" || status=$?
done
if [ "$ended" -ne "$client" ]; then
  fail "${names[$ended]} ended with exit code $status; what it wrote last is above"
fi
exit "$status"
