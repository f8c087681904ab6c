//! Black-box tests of zerocat as a whole. They are in `tests/`; this library is empty.
