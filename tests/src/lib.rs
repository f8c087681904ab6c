//! Black-box suites over the whole of zerocat. The suites are in `tests/`; this library holds nothing.
