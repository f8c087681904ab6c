//! Who maps a part of the logical address space, in the order of a route: a datagram looks at SubDevices that it has something for, and
//! passes the others by.

use crate::subdevice::SubDevice;

/// What an FMMU maps: first and last logical address, and the place of its SubDevice on the route.
#[derive(Debug, Clone, Copy)]
struct Span {
    first: u32,
    last: u32,
    at: u16,
}

/// The FMMUs of a route.
#[derive(Debug)]
pub(crate) struct Logical {
    spans: Vec<Span>,
    /// FMMUs were configured, or the route is another.
    outdated: bool,
}

impl Logical {
    /// Of a route that isn't known yet, with room for so many FMMUs.
    pub(crate) fn with_capacity(fmmus: usize) -> Self {
        Self { spans: Vec::with_capacity(fmmus), outdated: true }
    }

    /// FMMUs were configured, or the route is another.
    pub(crate) const fn outdate(&mut self) {
        self.outdated = true;
    }

    /// Looks at the FMMUs anew, if that is necessary.
    pub(crate) fn update(&mut self, route: &[u16], devices: &[SubDevice]) {
        if !std::mem::take(&mut self.outdated) {
            return;
        }
        self.spans.clear();
        for (n, at) in route.iter().zip(0u16..) {
            let mapped = devices[usize::from(*n)].esc.logical_spans();
            self.spans.extend(mapped.map(|(first, last)| Span { first, last, at }));
        }
    }

    /// The next place on the route, from place `from` and FMMU `*next` on, whose SubDevice maps a part of `first..=last`. At first
    /// both are 0; `*next` is moved on.
    pub(crate) fn next(&self, next: &mut usize, from: usize, (first, last): (u32, u32)) -> Option<usize> {
        let rest = self.spans.get(*next..)?;
        let maps = |span: &Span| span.first <= last && first <= span.last && usize::from(span.at) >= from;
        let found = rest.iter().position(maps)?;
        *next += found + 1;
        rest.get(found).map(|span| span.at.into())
    }
}
