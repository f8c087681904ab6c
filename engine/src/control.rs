//! What ordinary threads ask of the realtime thread: rings of messages, looked at once a cycle.
//!
//! An exchange travels in a box. The realtime thread never frees one: a retired exchange goes back through a ring of
//! its own. The last one that came back is kept until it is collected, for who wants its rings, or another one comes.

use crate::lane::Exchange;
use rtrb::{Consumer, Producer, RingBuffer};

const DEPTH: usize = 16;

/// Whether application traffic flows: commands to the outputs, samples and states to the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Traffic {
    /// All outputs are zero; commands are not taken, samples not handed over.
    #[default]
    Zero,
    /// Outputs stay as they are; commands are not taken, samples not handed over.
    Hold,
    /// Commands are taken, samples are handed over.
    Live,
}

/// A message to the realtime thread.
#[derive(Debug)]
pub(crate) enum Message {
    Install(Box<Exchange>),
    Retire,
    Traffic(Traffic),
    Stop,
}

/// The realtime thread is gone, or doesn't take messages any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the realtime thread does not take messages any more")]
pub struct ControlClosed;

/// The ordinary end.
#[derive(Debug)]
pub struct Controls {
    messages: Producer<Message>,
    retired: Consumer<Box<Exchange>>,
    /// The last one that came back.
    back: Option<Box<Exchange>>,
}

/// The realtime end.
#[derive(Debug)]
pub(crate) struct Inbox {
    messages: Consumer<Message>,
    retired: Producer<Box<Exchange>>,
}

pub(crate) fn controls() -> (Controls, Inbox) {
    let (messages, inbox) = RingBuffer::new(DEPTH);
    let (retire, retired) = RingBuffer::new(DEPTH);
    (Controls { messages, retired, back: None }, Inbox { messages: inbox, retired: retire })
}

impl Controls {
    /// Installs an exchange at the end of the current cycle; one that is there is retired.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn install(&mut self, exchange: Exchange) -> Result<(), ControlClosed> {
        self.send(Message::Install(Box::new(exchange)))
    }

    /// Retires the exchange: no cyclic frames after the current cycle.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn retire(&mut self) -> Result<(), ControlClosed> {
        self.send(Message::Retire)
    }

    /// Switches the application traffic from the next cycle on.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn traffic(&mut self, traffic: Traffic) -> Result<(), ControlClosed> {
        self.send(Message::Traffic(traffic))
    }

    /// Ends the loop after the current cycle.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn stop(&mut self) -> Result<(), ControlClosed> {
        self.send(Message::Stop)
    }

    /// The last exchange that was retired and has come back, for who wants its rings.
    pub fn collect(&mut self) -> Option<Box<Exchange>> {
        self.take_back();
        self.back.take()
    }

    /// Takes back what was retired; an older one is freed here, not on the realtime thread.
    fn take_back(&mut self) {
        while let Ok(exchange) = self.retired.pop() {
            self.back = Some(exchange);
        }
    }

    fn send(&mut self, message: Message) -> Result<(), ControlClosed> {
        self.take_back();
        if self.messages.is_abandoned() {
            return Err(ControlClosed);
        }
        self.messages.push(message).map_err(|_| ControlClosed)
    }
}

impl Inbox {
    /// The oldest message, as long as a retired exchange would have room to leave.
    pub(crate) fn next(&mut self) -> Option<Message> {
        if self.retired.is_full() { None } else { self.messages.pop().ok() }
    }

    /// Sends an exchange back to be freed.
    pub(crate) fn retire(&mut self, exchange: Option<Box<Exchange>>) {
        if let Some(exchange) = exchange {
            // There is room: `next` looked before it gave out the message that leads here.
            let _ = self.retired.push(exchange);
        }
    }
}
