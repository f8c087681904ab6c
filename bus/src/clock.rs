//! Distributed clocks, the bus side (ETG.1000.4, 6.2; Beckhoff ESC data sheet, section I, chapter 9).
//!
//! What is here so far is the arithmetic: how long a frame takes to each SubDevice ([`delay`]), from receive times that
//! were latched several times ([`receive`]). Nothing here sends a datagram yet, so no clock is set.

pub mod delay;
pub mod receive;
