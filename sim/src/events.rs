//! Whose ESCs have events for the datagrams that pass, kept beside them: nearly always nobody has, and a datagram finds that out by one
//! number.

use crate::esc::Esc;

/// The events of all SubDevices, as the event mask of each lets them through.
#[derive(Debug)]
pub(crate) struct Events {
    of: Vec<u16>,
    /// SubDevices that have any.
    raised: usize,
}

impl Events {
    /// For so many SubDevices, none of which has any.
    pub(crate) fn new(count: usize) -> Self {
        Self { of: vec![0; count], raised: 0 }
    }

    /// Takes over what an ESC has between two frames.
    pub(crate) fn note(&mut self, n: u16, esc: &Esc) {
        self.set(n, esc.events());
    }

    /// Sets those of a SubDevice.
    pub(crate) fn set(&mut self, n: u16, events: u16) {
        let before = std::mem::replace(&mut self.of[usize::from(n)], events);
        self.raised = self.raised + usize::from(events != 0) - usize::from(before != 0);
    }

    /// The events of the SubDevices on a route, ORed.
    pub(crate) fn on(&self, route: &[u16]) -> u16 {
        if self.raised == 0 { 0 } else { route.iter().fold(0, |events, n| events | self.of[usize::from(*n)]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_from_those_on_the_route_and_go_when_they_are_cleared() {
        let mut events = Events::new(3);
        events.set(0, 1);
        events.set(2, 4);
        assert_eq!((events.on(&[0, 1, 2]), events.on(&[1, 2]), events.on(&[1])), (5, 4, 0));
        events.set(0, 3);
        events.set(2, 0);
        assert_eq!((events.on(&[0, 1, 2]), events.raised), (3, 1));
        events.set(0, 0);
        assert_eq!((events.on(&[0, 1, 2]), events.raised), (0, 0));
    }
}
