#!/usr/bin/env python3
"""Enables a CiA 402 drive, moves it and switches it off, by the standard input and output of `zerocat run`.

    examples/cia402.py GOAL COMMAND...

GOAL is a position in counts, COMMAND a `zerocat run` of examples/axis-rig.json. For instance:

    examples/cia402.py 5000 zerocat run examples/axis-rig.json --interface ecm0

docs/cia402.md explains it. Exit code 0: the axis stood still until it was told to move, and stands at GOAL.
"""
import json
import signal
import subprocess
import sys

STATUS, POSITION, CONTROL, TARGET = "100001", "100002", "100010", "100012"
# Status word, of which these bits are the state (IEC 61800-7-201, power drive systems), and the control words that lead on.
STATE = 0x6F
FAULT, DISABLED, READY, ON, ENABLED, QUICK_STOP = 0x08, 0x40, 0x21, 0x23, 0x27, 0x07
ONWARD = {FAULT: [0x00, 0x80], QUICK_STOP: [0x00], DISABLED: [0x06], READY: [0x07], ON: [0x0F]}
# Counts in each cycle.
STEP = 50


class Drive:
    def __init__(self, command):
        self.run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, lines):
        """Each line is sent for a cycle of its own: the rig file has `"commands": "in_turn"`."""
        self.run.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
        self.run.stdin.flush()

    def samples(self):
        """Status words and positions as they come; the first one when commands are obeyed."""
        for line in self.run.stdout:
            line = json.loads(line)
            if line.get("kind") == "samples":
                yield from zip(line["channels"][STATUS], line["channels"][POSITION])
        sys.exit("zerocat has ended")

    def enable(self):
        """Goes from state to state, and waits for each. Returns the positions meanwhile."""
        positions, said = [], None
        for status, position in self.samples():
            positions.append(position)
            state = status & STATE
            if state == ENABLED:
                return positions
            if state != said and state in ONWARD:
                said = state
                self.say({CONTROL: word} for word in ONWARD[state])

    def move(self, start, goal):
        """Moves in steps, and waits until the axis has stood at its goal for 20 samples."""
        step = STEP if goal > start else -STEP
        self.say({TARGET: place} for place in [*range(start, goal, step), goal])
        there = 0
        for status, position in self.samples():
            if status & STATE != ENABLED:
                sys.exit(f"the drive left operation: status word {status:#06x}")
            there = there + 1 if position == goal else 0
            if there == 20:
                return

    def stop(self):
        """Switches the drive off; the end of standard input makes its outputs safe."""
        self.say([{CONTROL: 0x06}, {CONTROL: 0x00}])
        for status, _ in self.samples():
            if status & STATE == DISABLED:
                break
        self.run.stdin.close()
        self.run.send_signal(signal.SIGINT)
        self.run.stdout.read()
        return self.run.wait()


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return
    goal, drive = int(sys.argv[1]), Drive(sys.argv[2:])
    positions = drive.enable()
    print(f"enabled at {positions[-1]}, moved by {max(positions) - min(positions)} meanwhile", flush=True)
    drive.move(positions[-1], goal)
    print(f"stands at {goal}", flush=True)
    code = drive.stop()
    sys.exit(code if code else int(min(positions) != max(positions)))


if __name__ == "__main__":
    main()
