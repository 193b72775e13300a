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

# Sets up what is missing (setup_environment.sh) and runs all tests; arguments go to pytest:
#
#   scripts/test.sh                          everything
#   scripts/test.sh test/test_package.py -x  one file, up to the first failure

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup_environment.sh"

# A domain of this run's own: no second run on this machine hears the tests.
export ROS_DOMAIN_ID=$((1 + $$ % 100))
# Without ROS 2 its tests skip; here it is there, and its absence is an error.
export REFSEG_REQUIRE_ROS=1

cd "$repository"
exec python -m pytest "$@"
