//! The part of the report about the mailbox gateway.

use serde::Serialize;

/// The mailbox gateway of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GatewayReport {
    /// Address and port that it listened at.
    pub listens: String,
    /// Whether it refused what writes.
    pub read_only: bool,
    /// Messages that came.
    pub datagrams: u64,
    /// Mails that went back from SubDevices and the MainDevice's dictionary; a long answer is several.
    pub answered: u64,
    /// Messages that were refused: they write and nothing may, or their protocol isn't served.
    pub refused: u64,
    /// Messages without an answer: nobody has their address, the SubDevice was silent, the bus wasn't in operation, or too much was
    /// at work.
    pub unanswered: u64,
    /// Messages that can't be read.
    pub damaged: u64,
    /// Connections that were closed at once, since there were 16 already.
    pub connections_refused: u64,
    /// The same by the address and transport of clients; the first 32.
    pub clients: Vec<GatewayClientReport>,
}

/// A client of the mailbox gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct GatewayClientReport {
    /// Its address.
    pub address: String,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// Messages that came from it.
    pub datagrams: u64,
    /// Mails that went to it.
    pub answered: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Messages without an answer.
    pub unanswered: u64,
    /// Messages that can't be read.
    pub damaged: u64,
}
