//! Mails of VoE and AoE that nobody asked for, for whoever listens to a SubDevice.
//!
//! Guarantees: whoever passes a mail on never waits; each listener has a queue of its own with a bound, and what it has no room for is
//! lost and counted, the oldest first; mails come in the order in which they were read. A listener hears what comes from then on.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use zerocat_wire::mailbox::MailboxType;

use crate::bounded::{Bounded, Loses, Nothing};
use crate::mailbox::UnaskedMail;

/// Mails that wait for a listener.
const WAITING: usize = 64;

type Queue = Bounded<UnaskedMail>;

/// One who listens: to which SubDevice, to which protocol.
#[derive(Debug)]
struct Listener {
    position: u16,
    kind: MailboxType,
    queue: Weak<Queue>,
}

/// All who listen.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<Vec<Listener>>);

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listeners").field(&self.all().len()).finish()
    }
}

impl Listeners {
    fn all(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn listen(&self, position: u16, kind: MailboxType) -> ReceivedMails {
        let queue = Arc::new(Queue::new(WAITING, Loses::Oldest));
        let mut all = self.all();
        all.retain(|one| one.queue.strong_count() > 0);
        all.push(Listener { position, kind, queue: Arc::downgrade(&queue) });
        ReceivedMails(queue)
    }

    /// Gives a mail to those who listen to it.
    pub(crate) fn pass(&self, position: u16, mail: &UnaskedMail) {
        let all = self.all();
        let listening = all.iter().filter(|one| (one.position, one.kind) == (position, mail.header.kind));
        for queue in listening.filter_map(|one| one.queue.upgrade()) {
            queue.push(mail.clone());
        }
    }

    /// Nothing comes any more.
    pub(crate) fn close(&self) {
        for one in self.all().drain(..) {
            if let Some(queue) = one.queue.upgrade() {
                queue.close();
            }
        }
    }
}

/// No mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMail {
    /// None came in time.
    #[error("no mail in time")]
    TimedOut,
    /// None will come: the session is over.
    #[error("the session is over, no mail will come")]
    Ended,
}

/// Mails of a SubDevice from when it was listened to. Up to 64 wait. Dropped, it listens no longer.
#[derive(Debug)]
pub struct ReceivedMails(Arc<Queue>);

impl ReceivedMails {
    /// Waits for the next mail.
    ///
    /// # Errors
    /// None came in time, or the session is over.
    pub fn recv(&self, timeout: Duration) -> Result<UnaskedMail, NoMail> {
        self.0.take_within(timeout).map_err(|nothing| match nothing {
            Nothing::TimedOut => NoMail::TimedOut,
            Nothing::Ended => NoMail::Ended,
        })
    }

    /// The next mail, or none where the session is over.
    pub async fn next(&mut self) -> Option<UnaskedMail> {
        std::future::poll_fn(|context| self.0.poll_take(context)).await
    }

    /// Mails that were lost because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerocat_wire::mailbox::MailboxHeader;

    fn mail(kind: MailboxType, byte: u8) -> UnaskedMail {
        UnaskedMail { at: Duration::ZERO, header: MailboxHeader::new(kind, 1, 0), body: vec![byte] }
    }

    #[test]
    fn each_hears_the_subdevice_and_the_protocol_that_it_listens_to() {
        let listeners = Listeners::default();
        let (first, second) = (listeners.listen(1, MailboxType::Voe), listeners.listen(1, MailboxType::Aoe));
        listeners.pass(1, &mail(MailboxType::Voe, 7));
        listeners.pass(2, &mail(MailboxType::Voe, 8));
        assert_eq!(first.recv(Duration::ZERO).map(|mail| mail.body), Ok(vec![7]));
        assert_eq!(first.recv(Duration::ZERO), Err(NoMail::TimedOut));
        assert_eq!(second.recv(Duration::ZERO), Err(NoMail::TimedOut));
        listeners.close();
        assert_eq!(first.recv(Duration::ZERO), Err(NoMail::Ended));
    }

    #[test]
    fn a_queue_has_a_bound_and_the_oldest_are_lost_and_counted() {
        let listeners = Listeners::default();
        let heard = listeners.listen(0, MailboxType::Voe);
        for n in 0..WAITING + 3 {
            listeners.pass(0, &mail(MailboxType::Voe, u8::try_from(n).expect("few")));
        }
        assert_eq!((heard.lost(), heard.recv(Duration::ZERO).map(|mail| mail.body)), (3, Ok(vec![3])));
        drop(heard);
        drop(listeners.listen(0, MailboxType::Voe));
        assert!(listeners.all().len() <= 1, "those who left are forgotten");
    }
}
