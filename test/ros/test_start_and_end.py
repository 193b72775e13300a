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


"""How a node process starts and ends: errors that name the parameter, clean ends on signals."""

import os
import signal

import pytest
from harness import NodeProcess

STARTS = {
    'no such checkpoint': (
        'refseg_node',
        {'checkpoint': 'x.safetensors'},
        r"parameter 'checkpoint': no file 'x.safetensors'; bundled ones:",
    ),
    'no such device': (
        'refseg_node',
        {'device': 'cuda:99'},
        r"parameter 'device': 'cuda:99' asked for, but this machine has .*; use 'cpu' or 'auto'",
    ),
    'no such arithmetic': (
        'refseg_node',
        {'precision': 'int8', 'backend': 'torch'},
        r"parameter 'precision': 'int8' is for the backend 'openvino' on the device 'cpu'",
    ),
    'out of range': (
        'refseg_node',
        {'threshold': '1.5'},
        r"parameter 'threshold': 1.5 is out of range; it has to be from 0.0 to 1.0",
    ),
    'wrong type': (
        'refseg_node',
        {'max_rate': '5'},
        r"parameter 'max_rate': 5 is no double, .*; write it with a decimal point",
    ),
    'a list without a type': (
        'refseg_node',
        {'queries': '[]'},
        r"parameter 'queries': \[\] has no type; write an empty list as \[''\]",
    ),
    'no such source': (
        'refseg_camera',
        {'source': '/no/such/file.png'},
        r"parameter 'source': there is no file or folder '/no/such/file.png'; give tabletop",
    ),
}


@pytest.fixture(scope='module')
def failing_starts():
    """
    Start all at once, since most of their time is Python's imports, each in a domain of its own.

    In one domain about one in a hundred crashed or hung in Fast DDS, which can do so in a process
    that ends while others begin and end (eProsima/Fast-DDS#6502).
    """
    processes = {}
    tests = int(os.environ.get('ROS_DOMAIN_ID', 0))
    for number, (name, (executable, parameters, _)) in enumerate(STARTS.items(), start=1):
        arguments = [word for item in parameters.items() for word in ('-p', '{}:={}'.format(*item))]
        # Above 101, the ports of a domain are those that Linux gives to anyone.
        domain = (tests + number) % 102
        processes[name] = NodeProcess(executable, *arguments, domain=domain)
    yield processes
    for process in processes.values():
        process.stop()


@pytest.mark.parametrize('name', list(STARTS))
def test_a_parameter_that_cannot_be_met_stops_the_start(name, failing_starts):
    process = failing_starts[name]
    assert process.wait_for_end() == 1
    process.wait_for_line('FATAL.*' + STARTS[name][2])
    assert 'Traceback' not in process.output


@pytest.mark.parametrize('how', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_node_cleanly(how, checkpoints):
    arguments = ('-p', f'checkpoint:={checkpoints["acm"]}', '-r', '__node:=ending')
    with NodeProcess('refseg_node', *arguments, '-p', 'treshold:=0.5') as process:
        process.wait_for_line('images from /ending/image')
        assert process.stop(how) == 0
    assert 'Traceback' not in process.output
    process.wait_for_line("WARN.*parameter 'treshold' was given but .* no effect")


def test_ctrl_c_while_it_still_starts(checkpoints):
    """Importing torch takes seconds; who interrupts it sees no traceback either."""
    with NodeProcess('refseg_node', '-p', f'checkpoint:={checkpoints["acm"]}') as process:
        process.wait_for_line('starting')
        assert process.stop() == 0
    assert 'Traceback' not in process.output
