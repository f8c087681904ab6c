"""SOEM through pysoem as a row of `zerocat bench bringup`.

    python soem_bringup.py INTERFACE

Brings all SubDevices to OP as pysoem's examples do it (config_init, config_map, SAFE-OP, process data, OP), prints a line
of JSON with the time from before the interface was opened until all were in OP, waits for a line and ends.
"""

import json
import sys
import time

import pysoem

STATE_TIMEOUT_US = 10_000_000
FRAME_TIMEOUT_US = 20_000


def exchange(master):
    master.send_processdata()
    master.receive_processdata(FRAME_TIMEOUT_US)


def to_op(master):
    exchange(master)
    master.state = pysoem.OP_STATE
    master.write_state()
    deadline = time.monotonic() + STATE_TIMEOUT_US / 1e6
    while time.monotonic() < deadline:
        exchange(master)
        # Short: without frames the watchdog fires.
        if master.state_check(pysoem.OP_STATE, 2000) == pysoem.OP_STATE:
            return
    sys.exit("SOEM: not all SubDevices in OP")


def main():
    began = time.monotonic_ns()
    master = pysoem.Master()
    master.open(sys.argv[-1])
    found = master.config_init()
    if found < 1:
        sys.exit("SOEM found no SubDevices")
    master.config_map()
    if master.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US) != pysoem.SAFEOP_STATE:
        sys.exit("SOEM: not all SubDevices in SAFE-OP")
    to_op(master)
    took = time.monotonic_ns() - began
    print(json.dumps({"ms": took / 1e6, "subdevices": found}), flush=True)
    sys.stdin.readline()
    master.close()


main()
