//! What is known of the interface's carrier while cycles are lost, and not only when their line is written: a cable may be
//! back by then.

/// What is known of the interface's cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cable {
    /// It may be in order.
    In,
    /// The interface has no carrier.
    Out,
}

/// Looks at the carrier, at most once for the events that are drained together.
pub(super) struct Carrier {
    look: Box<dyn Fn() -> Cable + Send>,
    /// What the last look saw.
    seen: Cable,
    /// What the events that are being drained came in.
    current: Option<Cable>,
}

impl Carrier {
    pub(super) fn new(look: impl Fn() -> Cable + Send + 'static) -> Self {
        Self { look: Box::new(look), seen: Cable::In, current: None }
    }

    /// What a cycle that is told now was lost in. It may be older than this look, so a cable that was out at the look
    /// before, or is out at this one, was out.
    pub(super) fn of_a_lost_cycle(&mut self) -> Cable {
        *self.current.get_or_insert_with(|| {
            let before = std::mem::replace(&mut self.seen, (self.look)());
            if before == Cable::Out { before } else { self.seen }
        })
    }

    /// Whatever was told so far has been drained. While the cable is out, it is looked at again.
    pub(super) fn drained(&mut self) {
        if self.current.take().is_none() && self.seen == Cable::Out {
            self.seen = (self.look)();
        }
    }

    /// What the cable is now.
    pub(super) fn now(&self) -> Cable {
        (self.look)()
    }
}
