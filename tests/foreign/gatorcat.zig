//! gatorcat brings whoever is at the other end of an interface to OP and exchanges 2,000 cycles; it fails where a state isn't
//! reached or somebody leaves OP, and prints how many cycles were complete. Run by hand, not by scripts/foreign.sh:
//!
//!     pip install ziglang==0.15.2
//!     git clone https://github.com/jeffective/gatorcat && git -C gatorcat checkout 7e89bc6
//!     python -m ziglang build-exe --dep gatorcat -Mroot=tests/foreign/gatorcat.zig \
//!         -Mgatorcat=gatorcat/src/module/root.zig -OReleaseSafe --name gatorcat-to-op
//!     ./gatorcat-to-op INTERFACE
//!
//! What it brought to OP is in docs/conformance.md.

const std = @import("std");
const gcat = @import("gatorcat");

const settings = gcat.MainDevice.Settings{
    .recv_timeout_us = 100_000,
    .eeprom_timeout_us = 100_000,
    .mbx_timeout_us = 500_000,
};
const patience_us = 10_000_000;

pub fn main() !void {
    const allocator = std.heap.page_allocator;
    var args = std.process.args();
    _ = args.next();
    const interface = args.next() orelse return error.NoInterface;
    var socket = try gcat.nic.RawSocket.init(interface);
    defer socket.deinit();
    var port = gcat.Port.init(socket.linkLayer(), .{});
    defer port.deinit();
    try port.ping(settings.recv_timeout_us);

    var scanner = gcat.Scanner.init(&port, settings);
    const count = try scanner.countSubdevices();
    try scanner.busInit(patience_us, count);
    try scanner.assignStationAddresses(count);
    const eni = try scanner.readEni(allocator, patience_us, false);

    var bus = try gcat.MainDevice.init(allocator, &port, settings, eni.value);
    try bus.busInit(patience_us);
    try bus.busPreop(patience_us);
    try bus.busSafeop(patience_us);
    try bus.busOp(patience_us);
    try exchange(&bus, count);
}

fn exchange(bus: *gcat.MainDevice, count: u16) !void {
    var complete: u32 = 0;
    var lost: u32 = 0;
    for (0..2000) |_| {
        std.Thread.sleep(std.time.ns_per_ms);
        const seen = bus.sendRecvCyclicFramesDiag() catch |err| switch (err) {
            error.RecvTimeout => {
                lost += 1;
                continue;
            },
            else => return err,
        };
        if (seen.brd_status_wkc != count or seen.brd_status.state != .OP) return error.NotInOp;
        complete += @intFromBool(seen.process_data_wkc == bus.expectedProcessDataWkc());
    }
    std.debug.print("{} SubDevices in OP: {} of 2000 cycles complete, {} lost\n", .{ count, complete, lost });
}
