//! What ordinary threads ask of the realtime thread: rings of messages, looked at once a cycle.
//!
//! An exchange travels in a box. The realtime thread never frees one: a retired exchange goes back through a ring of
//! its own. The last one that came back is kept until it is collected for its rings, or until another one comes.
//!
//! Traffic that the realtime thread made safe by itself stays safe: a request for live traffic that was sent before the
//! realtime thread found a stall or a silence is not obeyed after it.

use crate::lane::Exchange;
use crate::presence::Presence;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const DEPTH: usize = 16;
/// Exchanges that one message may retire: the one that is installed, and the new one if it can't be.
const RETIRED_BY_A_MESSAGE: usize = 2;

/// Whether application traffic flows: commands to the outputs, samples and states to the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Traffic {
    /// Outputs are the exchange's safe ones; commands are dropped, samples are not handed over.
    #[default]
    Safe,
    /// Commands are taken, samples are handed over.
    Live,
}

/// Who takes part in an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TakingPart {
    /// What is for OP only may take part or not.
    #[default]
    BeforeOp,
    /// All must.
    All,
}

/// A message to the realtime thread.
#[derive(Debug)]
pub(crate) enum Message {
    Install(Box<Exchange>),
    Retire,
    Expect(TakingPart),
    /// Who contributes, as all were asked in a cycle or later.
    Presence {
        presence: Presence,
        as_of: u64,
    },
    Safe,
    /// Live traffic, asked for when there had been so many interruptions.
    Live {
        interruptions: u64,
    },
    Stop,
}

/// The realtime thread is gone, or doesn't take messages any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the realtime thread does not take messages any more")]
pub struct ControlClosed;

/// The ordinary end. When it is dropped, outputs become safe and the engine ends.
#[derive(Debug)]
pub struct Controls {
    messages: Producer<Message>,
    retired: Consumer<Box<Exchange>>,
    /// The last one that came back.
    back: Option<Box<Exchange>>,
    interruptions: Arc<AtomicU64>,
}

/// The realtime end.
#[derive(Debug)]
pub(crate) struct Inbox {
    messages: Consumer<Message>,
    retired: Producer<Box<Exchange>>,
    interruptions: Arc<AtomicU64>,
}

pub(crate) fn controls() -> (Controls, Inbox) {
    let (messages, inbox) = RingBuffer::new(DEPTH);
    let (retire, retired) = RingBuffer::new(DEPTH);
    let interruptions = Arc::new(AtomicU64::new(0));
    let controls = Controls { messages, retired, back: None, interruptions: Arc::clone(&interruptions) };
    (controls, Inbox { messages: inbox, retired: retire, interruptions })
}

impl Controls {
    /// Installs an exchange at the end of the current cycle, with safe outputs; one that is there is retired. If it
    /// can't be installed it comes back as if it had been retired.
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

    /// Tells the exchange that is installed who takes part from now on, and so which working counters are right. Complete
    /// cycles are counted anew.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn expect(&mut self, taking_part: TakingPart) -> Result<(), ControlClosed> {
        self.send(Message::Expect(taking_part))
    }

    /// Tells the exchange that is installed who contributes process data, and so which working counters are right. What was
    /// told before is void. All must have been asked after the end of cycle `as_of` ([`Counters::cycle`](crate::Counters)):
    /// a working counter that changed since, or a frame that was lost since, makes it void too. So tell it again, also
    /// where nothing changed, as often as all were asked.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn presence(&mut self, presence: Presence, as_of: u64) -> Result<(), ControlClosed> {
        self.send(Message::Presence { presence, as_of })
    }

    /// Switches the application traffic from the next cycle on. Live traffic is not begun if the engine
    /// finds a stall or a silence before it obeys; `Counters::live` tells.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn traffic(&mut self, traffic: Traffic) -> Result<(), ControlClosed> {
        self.send(match traffic {
            Traffic::Safe => Message::Safe,
            // SYNC: pairs with the release store in Inbox::set_interruptions. An interruption that is noted later is one more.
            Traffic::Live => Message::Live { interruptions: self.interruptions.load(Ordering::Acquire) },
        })
    }

    /// Ends the loop after the current cycle.
    ///
    /// # Errors
    /// [`ControlClosed`].
    pub fn stop(&mut self) -> Result<(), ControlClosed> {
        self.send(Message::Stop)
    }

    /// The last exchange that was retired and has come back, with its rings.
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
    /// The oldest message, as long as all that it may retire would have room to leave.
    pub(crate) fn next(&mut self) -> Option<Message> {
        if self.retired.slots() < RETIRED_BY_A_MESSAGE { None } else { self.messages.pop().ok() }
    }

    /// Sends an exchange back to be freed.
    pub(crate) fn retire(&mut self, exchange: Option<Box<Exchange>>) {
        if let Some(exchange) = exchange {
            // There is room: `next` looked before it gave out the message that leads here, and none retires more.
            let _ = self.retired.push(exchange);
        }
    }

    /// Tells the ordinary end how often outputs were made safe here.
    pub(crate) fn set_interruptions(&self, interruptions: u64) {
        // SYNC: pairs with the acquire load in Controls::traffic.
        self.interruptions.store(interruptions, Ordering::Release);
    }

    /// Whether messages wait.
    pub(crate) fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Whether the ordinary end is gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.messages.is_abandoned()
    }
}
