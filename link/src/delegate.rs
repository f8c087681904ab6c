//! A macro for links that pass methods on to one of their fields: a wrapper to the link inside it, a link with slots in
//! memory to those slots.
//!
//! It expands to what one would write by hand, so such a method costs no more than the field's own. A wrapper passes
//! [`withdraw`](crate::Link::withdraw) on as well: the trait's default does nothing, and outputs from before an outage
//! would stay in the link inside.

/// Writes the named methods of [`Link`](crate::Link) as calls of the same method of a field.
///
/// ```
/// use zerocat_link::{Link, LinkCounters, LinkFault, Slot};
///
/// /// A link that counts its kicks.
/// struct Counted<L> {
///     link: L,
///     kicks: u64,
/// }
///
/// impl<L: Link> Link for Counted<L> {
///     zerocat_link::delegate_to!(link: slots, slot, slot_mut, post, receive, counters, withdraw);
///
///     fn kick(&mut self) -> Result<(), LinkFault> {
///         self.kicks += 1;
///         self.link.kick()
///     }
/// }
/// ```
#[macro_export]
macro_rules! delegate_to {
    ($field:ident: $($method:ident),+) => { $($crate::delegate_to!(@$method $field);)+ };
    (@slots $field:ident) => {
        #[inline]
        fn slots(&self) -> u16 {
            self.$field.slots()
        }
    };
    (@slot $field:ident) => {
        #[inline]
        fn slot(&self, slot: $crate::Slot) -> Result<&[u8], $crate::LinkFault> {
            self.$field.slot(slot)
        }
    };
    (@slot_mut $field:ident) => {
        #[inline]
        fn slot_mut(&mut self, slot: $crate::Slot) -> Result<&mut [u8], $crate::LinkFault> {
            self.$field.slot_mut(slot)
        }
    };
    (@post $field:ident) => {
        #[inline]
        fn post(&mut self, slot: $crate::Slot, len: usize) -> Result<(), $crate::LinkFault> {
            self.$field.post(slot, len)
        }
    };
    (@kick $field:ident) => {
        #[inline]
        fn kick(&mut self) -> Result<(), $crate::LinkFault> {
            self.$field.kick()
        }
    };
    (@receive $field:ident) => {
        #[inline]
        fn receive(&mut self) -> Result<Option<&[u8]>, $crate::LinkFault> {
            self.$field.receive()
        }
    };
    (@counters $field:ident) => {
        fn counters(&self) -> $crate::LinkCounters {
            self.$field.counters()
        }
    };
    (@withdraw $field:ident) => {
        fn withdraw(&mut self) {
            self.$field.withdraw();
        }
    };
}
