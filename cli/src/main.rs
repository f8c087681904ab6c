//! The `zerocat` command.
fn main() {}
