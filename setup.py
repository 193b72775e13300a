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

"""
The part of ros2_refseg that needs no ROS 2: the network, its training and the `refseg` command.

`pip install .` is for training machines and notebooks. A robot builds the same folder with colcon,
which reads package.xml and CMakeLists.txt instead and adds the message, the executables and the
launch files.
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def shared_files(folder: str, *patterns: str) -> tuple[str, list[str]]:
    """Install the files of a folder that match into the same place as an ament install does."""
    files = sorted(path for pattern in patterns for path in (ROOT / folder).glob(pattern))
    return f'share/ros2_refseg/{folder}', [str(path.relative_to(ROOT)) for path in files]


setup(
    name='ros2_refseg',
    version='0.1.0',
    description='Referring image segmentation for robots: say what you mean, get its mask',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author='ros2_refseg contributors',
    license='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.10',
    packages=find_packages(include=['ros2_refseg', 'ros2_refseg.*']),
    data_files=[
        shared_files('model', '*.safetensors', '*.md'),
        shared_files('config/train', '*.yaml'),
    ],
    install_requires=[
        'numpy>=1.21',
        # The build without windows: the other one needs X11 libraries that a server lacks.
        'opencv-python-headless',
        'pycocotools',
        'pyyaml',
        'safetensors',
        'scipy',
        'tensorboard',
        'torch>=2.5',
        'torchvision',
        'tqdm',
    ],
    extras_require={
        # The tabletop simulator: `refseg data tabletop` and the demo's camera.
        'simulator': ['mujoco', 'pyopengl'],
        # The engine for CPUs, its conversion, `refseg quantize` and `refseg export`.
        'openvino': ['openvino', 'onnx'],
        # Pictures of `refseg bench`.
        'bench': ['matplotlib'],
        # ONNX Runtime executes what `refseg export` wrote.
        'test': ['pytest>=7', 'onnx', 'onnxruntime'],
    },
    entry_points={'console_scripts': ['refseg = ros2_refseg.cli:main']},
    zip_safe=False,
)
