"""Brings drawn devices of device descriptions, simulated, to OP under SOEM; `scripts/sweep-soem.sh` runs it.

Each line of devices gets a simulated segment and a process of its own for SOEM: what goes wrong with one line, a crash
too, says nothing about the next. A device that didn't reach OP in company is judged alone.
"""

import argparse
import collections
import json
import multiprocessing
import pathlib
import signal
import subprocess
import sys
import time

STATE_TIMEOUT_US = 10_000_000
# Behind this a frame is lost.
FRAME_TIMEOUT_US = 200_000
# What SOEM may take for a line of devices.
LONGEST_S = 60


def serving():
    return "88a4" in pathlib.Path("/proc/net/packet").read_text()


def start(options, devices):
    """A simulated line of devices. Returns the process, or why there is none."""
    subdevices = [
        {
            "profile": "esi",
            "file": device["path"],
            "device": device["type"],
            "revision": device["revision"],
            "product_code": device["product_code"],
        }
        for device in devices
    ]
    path = pathlib.Path(options.work) / "segment.json"
    path.write_text(json.dumps({"subdevices": subdevices}))
    command = [options.zerocat, "sim", "--interface", options.segment_interface, "--quiet", "--config", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        if serving():
            return process
        time.sleep(0.01)
    return process.stderr.read().strip()


def bring_up(interface, answer):
    """SOEM's usual way to OP. Sends the stage and a reason for each SubDevice, `None` for one in OP."""
    import pysoem

    timeouts = pysoem.settings.timeouts
    timeouts.ret, timeouts.safe, timeouts.eeprom = 100_000, 200_000, 500_000
    timeouts.tx_mailbox, timeouts.rx_mailbox, timeouts.state = 500_000, 1_000_000, STATE_TIMEOUT_US
    master = pysoem.Master()
    master.open(interface)
    stage = "discover"

    def reasons():
        master.read_state()
        return [
            None
            if slave.state == pysoem.OP_STATE
            else (stage, f"AL status {slave.state:#x}, code {slave.al_status:#06x}: {pysoem.al_status_code_to_string(slave.al_status)}")
            for slave in master.slaves
        ]

    try:
        master.config_init()
        stage = "pre_op"
        master.state_check(pysoem.PREOP_STATE, STATE_TIMEOUT_US)
        stage = "safe_op"
        try:
            master.config_map()
        except pysoem.ConfigMapError:
            # What SOEM couldn't ask for (drives with Sercos, which the segment doesn't speak) it takes from the SII.
            pass
        master.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US // 10)
        stage = "op"
        master.send_processdata()
        master.receive_processdata(FRAME_TIMEOUT_US)
        master.state = pysoem.OP_STATE
        master.write_state()
        for _ in range(500):
            master.send_processdata()
            master.receive_processdata(FRAME_TIMEOUT_US)
            # Short: without frames the watchdog fires.
            if master.state_check(pysoem.OP_STATE, 2000) == pysoem.OP_STATE:
                break
        answer.send(reasons())
    except Exception as error:  # What SOEM can't do at all is a result too.
        answer.send([(stage, f"{type(error).__name__}: {error}")] * max(1, len(master.slaves)))
    finally:
        master.close()


def judged(options, devices):
    """The reasons for a line of devices, in its order."""
    segment = start(options, devices)
    if isinstance(segment, str):
        return [("simulate", segment)] * len(devices)
    mine, theirs = multiprocessing.Pipe()
    soem = multiprocessing.Process(target=bring_up, args=(options.master_interface, theirs))
    soem.start()
    theirs.close()
    try:
        reasons = mine.recv() if mine.poll(LONGEST_S) else [("discover", f"took more than {LONGEST_S} s")]
    except EOFError:
        reasons = [("discover", "SOEM crashed")]
    soem.kill()
    soem.join()
    segment.send_signal(signal.SIGTERM)
    segment.stdin.close()
    segment.wait(timeout=30)
    if len(reasons) != len(devices):
        reasons = [reasons[0] or ("discover", f"{len(reasons)} of {len(devices)} were found")] * len(devices)
    return reasons


def main():
    parser = argparse.ArgumentParser()
    for name in ["zerocat", "drawn", "work", "master-interface", "segment-interface"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--per-segment", type=int, required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    drawn = json.loads(pathlib.Path(options.drawn).read_text())
    devices = drawn["devices"]
    for device in devices:
        device["path"] = str((pathlib.Path(drawn["folder"]) / device["file"]).resolve())
    failed = []
    for n in range(0, len(devices), options.per_segment):
        line = devices[n : n + options.per_segment]
        for device, reason in zip(line, judged(options, line)):
            if reason is not None and len(line) > 1:
                reason = judged(options, [device])[0]
            if reason is not None:
                kept = {key: device[key] for key in ["file", "type", "revision"]}
                failed.append({**kept, "stage": reason[0], "reason": reason[1]})
        if sys.stderr.isatty():
            print(f"\r{min(n + options.per_segment, len(devices))} of {len(devices)}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    op = len(devices) - len(failed)
    if options.json:
        print(json.dumps({"schema": "zerocat-sweep-soem/1", "devices": len(devices), "op": op, "failed": failed}, indent=2))
    else:
        for (stage, reason), count in collections.Counter((f["stage"], f["reason"]) for f in failed).most_common():
            example = next(f["type"] for f in failed if f["reason"] == reason)
            print(f"{count:4} {stage}: {reason} (for example {example})")
        print(f"{op} of {len(devices)} devices reached OP under SOEM")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
