//! The mailbox gateway (ETG.8200): vendors' tools reach SubDevices, and a dictionary of the MainDevice, over UDP and TCP while the bus
//! runs.
//!
//! Guarantees: it runs on an ordinary thread of its own, and its mails wait in the same queues as everybody's requests, so it moves
//! no cycle; clients, their mails at work and their bytes are bounded; whatever is sent to it, it goes on. What a client gets
//! answers what that client asked. Nobody's answer for an unknown address, or where a SubDevice is silent.
//!
//! Not guaranteed: who asks. There is no authentication in ETG.8200.

mod address;
mod client;
mod counts;
mod desk;
mod dictionary;
mod directory;
mod object;
mod own;
mod sockets;
mod stream;
mod thread;
mod wake;

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;

pub(crate) use directory::Directory;
pub use sockets::GatewayError;
pub(crate) use sockets::Sockets;
pub(crate) use thread::GatewayThread;
