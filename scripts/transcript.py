#!/usr/bin/env python3
"""Makes a transcript of a capture between a MainDevice and SubDevices: what was sent, and what came back.

    scripts/transcript.py CAPTURE.pcapng [--fold] > TRANSCRIPT.jsonl

One frame a line: `ns` since the first, and of each datagram the command, the address (or `logical`) and register, the
bytes sent (a number stands for so many zeros), the bytes that came back where they differ (`got`), and the working
counter. Frames that didn't come back are left out, with `--fold` also those that are as the one before, answer included,
but for what clocks show.
`sim/tests/transcripts.rs` feeds them to the simulated segment.

A frame has come back when bit 1 of its source address is set. It belongs to the oldest frame that was sent with the
same indices and lengths."""

import json
import struct
import sys

COMMANDS = "NOP APRD APWR APRW FPRD FPWR FPRW BRD BWR BRW LRD LWR LRW ARMW FRMW".split()
ETHERCAT = b"\x88\xa4"
INTERFACE, PACKET = 1, 6
RESOLUTION = 9


def options(body, order):
    """The options of a pcapng block, as (code, value)."""
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            return
        yield code, body[at + 4 : at + 4 + length]
        at += 4 + (length + 3) // 4 * 4


def packets(capture):
    """Time in ns and bytes of each packet of a capture."""
    at, order, units = 0, "<", []
    while at + 12 <= len(capture):
        if capture[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order, units = ("<" if capture[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"), []
        kind, length = struct.unpack_from(order + "II", capture, at)
        body = capture[at + 8 : at + length - 4]
        if kind == INTERFACE:
            resolution = next((value[0] for code, value in options(body[8:], order) if code == RESOLUTION), 6)
            units.append(2 ** (resolution & 127) if resolution & 128 else 10**resolution)
        elif kind == PACKET:
            interface, high, low, kept = struct.unpack_from(order + "IIII", body)
            yield (high << 32 | low) * 1_000_000_000 // units[interface], body[20 : 20 + kept]
        at += length


def datagrams(frame):
    """The datagrams of an EtherCAT frame, as (command, index, address, data, working counter)."""
    at, more = 16, True
    while more and at + 12 <= len(frame):
        command, index, address, word = struct.unpack_from("<BB4sH", frame, at)
        length, more = word & 0x07FF, word & 0x8000
        (counter,) = struct.unpack_from("<H", frame, at + 10 + length)
        yield command, index, address, frame[at + 10 : at + 10 + length], counter
        at += 12 + length


def line(sent, back):
    """What a datagram says, as in the transcript."""
    command, _, address, data, _ = sent
    _, _, _, got, counter = back
    said = {"command": COMMANDS[command]}
    if said["command"] in ("LRD", "LWR", "LRW"):
        said["logical"] = struct.unpack("<I", address)[0]
    else:
        said["address"], said["register"] = struct.unpack("<HH", address)
    said["sent"] = data.hex() if any(data) else len(data)
    if got != data:
        said["got"] = got.hex()
    return said | {"wkc": counter}


def apart_from_clocks(said):
    """The same without what clocks show (registers 0x0900 to 0x093f)."""
    clock = range(0x0900, 0x0940)
    return [{k: v for k, v in one.items() if k != "got" or one.get("register") not in clock} for one in said]


def main():
    waiting, began = {}, None
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__)
        return
    with open(sys.argv[1], "rb") as file:
        capture = file.read()
    lines = []
    for time, frame in packets(capture):
        if frame[12:14] != ETHERCAT or frame[15] >> 4 != 1:
            continue
        frame_datagrams = list(datagrams(frame))
        key = tuple((command, index, len(data)) for command, index, _, data, _ in frame_datagrams)
        if not frame[6] & 2:
            waiting.setdefault(key, []).append((time, frame_datagrams))
        elif waiting.get(key):
            sent_at, sent = waiting[key].pop(0)
            began = sent_at if began is None else began
            lines.append((sent_at - began, [line(a, b) for a, b in zip(sent, frame_datagrams)]))
    before = None
    for time, said in sorted(lines, key=lambda line: line[0]):
        if "--fold" in sys.argv and apart_from_clocks(said) == before:
            continue
        before = apart_from_clocks(said)
        print(json.dumps({"ns": time, "datagrams": said}, separators=(",", ":")))


if __name__ == "__main__":
    main()
