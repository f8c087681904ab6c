//! How SubDevices are connected: cables between ports, and the route of a frame through them.
//!
//! Inside an ESC a frame goes from the port where it came in to the next open one in the order 0, 3, 1, 2, and round
//! again. Between port 0 and port 3, and only there, it passes the processing unit. A closed port sends it on to the
//! next (ETG.1000.4, 4.3; ET1100 data sheet, section I, 3.2). So in a line with two ends a frame that comes in at
//! the far end runs back through all SubDevices without being processed.
//!
//! Each ESC takes a time of its own past its processing unit and another through it, and each cable takes its own.

/// Order in which a frame passes the ports.
const PORT_ORDER: [usize; 4] = [0, 3, 1, 2];

/// An end of a segment: where a MainDevice's interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// At port 0 of the first SubDevice.
    First,
    /// The one that the file calls `second_end`.
    Second,
}

/// What is at the other end of a cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    MainDevice(End),
    Port(u16, usize),
}

/// A cable in a port.
#[derive(Debug, Clone, Copy)]
struct Plug {
    peer: Peer,
    cable: u16,
}

/// A cable between two ports.
#[derive(Debug, Clone, Copy)]
struct Cable {
    /// Nanoseconds that a frame takes.
    delay: u32,
    plugged: bool,
    /// Frames that it will still damage.
    damages: u32,
}

/// A frame comes in at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) device: u16,
    pub(crate) port: usize,
    /// Nanoseconds since it came into the segment.
    pub(crate) after: u32,
    /// The cable that it came by.
    pub(crate) cable: u16,
    /// Processing units that it has passed before.
    pub(crate) hops: usize,
}

/// The route of a frame that comes in at one end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Route {
    /// SubDevices in the order in which their processing units are passed.
    pub(crate) hops: Vec<u16>,
    /// When that is, in nanoseconds since the frame came in.
    pub(crate) delays: Vec<u32>,
    /// Every arrival at a port, in order.
    pub(crate) arrivals: Vec<Arrival>,
    /// The hop before which the frame went through a port 0 that is closed.
    pub(crate) circulates: Option<usize>,
    /// Where it comes out. `None` if it is lost.
    pub(crate) exit: Option<End>,
}

impl Route {
    /// With room for all SubDevices.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            hops: Vec::with_capacity(count),
            delays: Vec::with_capacity(count),
            arrivals: Vec::with_capacity(4 * count),
            circulates: None,
            exit: None,
        }
    }
}

/// Nanoseconds that a frame takes from a port in to the next port out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through {
    /// Past the processing unit.
    pub(crate) forwarding: u32,
    /// Through the processing unit.
    pub(crate) processing: u32,
}

/// What each port of each SubDevice is connected to.
#[derive(Debug, Clone)]
pub(crate) struct Topology {
    plugs: Vec<[Option<Plug>; 4]>,
    /// By the SubDevice at the downstream end; behind them that of the second end.
    cables: Vec<Cable>,
    powered: Vec<bool>,
    first: Option<Plug>,
    second: Option<Plug>,
    /// Whether something is at the far end of the cable of the first and of the second end.
    carriers: [bool; 2],
    /// By SubDevice.
    through: Vec<Through>,
}

impl Topology {
    /// From parent and port of each SubDevice (the first has none), the port that each is entered by, the delays of
    /// their cables, and the time that each ESC takes.
    pub(crate) fn new(parents: &[Option<(u16, u8)>], entries: &[u8], delays: &[u32], through: Vec<Through>) -> Self {
        let count = parents.len();
        let cable = |n: usize| Cable { delay: delays.get(n).copied().unwrap_or(0), plugged: true, damages: 0 };
        let mut topology = Self {
            plugs: vec![[None; 4]; count],
            cables: (0..=count).map(cable).collect(),
            powered: vec![true; count],
            first: None,
            second: None,
            carriers: [true; 2],
            through,
        };
        for (n, parent) in (0u16..).zip(parents) {
            let entry = entries.get(usize::from(n)).map_or(0, |entry| usize::from(*entry) % 4);
            match parent {
                None => topology.first = Some(topology.join_end(End::First, n, entry, n)),
                Some((parent, port)) => {
                    let port = usize::from(*port);
                    topology.plugs[usize::from(n)][entry] = Some(Plug { peer: Peer::Port(*parent, port), cable: n });
                    if let Some(place) = topology.plugs.get_mut(usize::from(*parent)).and_then(|p| p.get_mut(port)) {
                        *place = Some(Plug { peer: Peer::Port(n, entry), cable: n });
                    }
                }
            }
        }
        topology
    }

    /// The same with a second end at a port.
    pub(crate) fn with_second_end(mut self, end: Option<(u16, u8)>) -> Self {
        if let Some((n, port)) = end {
            let cable = u16::try_from(self.plugs.len()).unwrap_or(u16::MAX);
            self.second = Some(self.join_end(End::Second, n, usize::from(port), cable));
        }
        self
    }

    fn join_end(&mut self, end: End, n: u16, port: usize, cable: u16) -> Plug {
        if let Some(place) = self.plugs.get_mut(usize::from(n)).and_then(|ports| ports.get_mut(port)) {
            *place = Some(Plug { peer: Peer::MainDevice(end), cable });
        }
        Plug { peer: Peer::Port(n, port), cable }
    }

    /// The cable of an end, by number.
    pub(crate) fn cable_of(&self, end: End) -> Option<usize> {
        let plug = if end == End::First { self.first } else { self.second };
        plug.map(|plug| usize::from(plug.cable))
    }

    /// Pulls or plugs a cable.
    pub(crate) fn set_plugged(&mut self, cable: usize, plugged: bool) {
        if let Some(cable) = self.cables.get_mut(cable) {
            cable.plugged = plugged;
        }
    }

    /// Says whether something is at the far end of the cable of an end. Returns whether that is new.
    pub(crate) fn set_carrier(&mut self, end: End, carrier: bool) -> bool {
        std::mem::replace(&mut self.carriers[usize::from(end == End::Second)], carrier) != carrier
    }

    /// Switches a SubDevice off or on.
    pub(crate) fn set_powered(&mut self, n: usize, powered: bool) {
        if let Some(place) = self.powered.get_mut(n) {
            *place = powered;
        }
    }

    /// Whether a SubDevice has power.
    pub(crate) fn powered(&self, n: usize) -> bool {
        self.powered.get(n).copied().unwrap_or(false)
    }

    /// Lets a cable damage the next frames.
    pub(crate) fn damage(&mut self, cable: usize, frames: u32) {
        if let Some(cable) = self.cables.get_mut(cable) {
            cable.damages = frames;
        }
    }

    /// Whether any cable damages frames.
    pub(crate) fn damages(&self) -> bool {
        self.cables.iter().any(|cable| cable.damages > 0)
    }

    /// The arrival at which a frame on this route is damaged now, if it is.
    pub(crate) fn damaged(&mut self, arrivals: &[Arrival]) -> Option<usize> {
        let bad = |arrival: &Arrival| self.cables.get(usize::from(arrival.cable)).is_some_and(|c| c.damages > 0);
        let at = arrivals.iter().position(bad)?;
        self.cables[usize::from(arrivals[at].cable)].damages -= 1;
        Some(at)
    }

    /// Which ports of a SubDevice have a cable in them, plugged or not.
    pub(crate) fn used(&self, n: usize) -> [bool; 4] {
        self.plugs[n].map(|plug| plug.is_some())
    }

    /// Which ports of a SubDevice have a link: a plugged cable with power at both ends.
    pub(crate) fn links(&self, n: usize) -> [bool; 4] {
        let link = |plug: Option<Plug>| plug.is_some_and(|plug| self.carries(plug));
        if self.powered(n) { self.plugs[n].map(link) } else { [false; 4] }
    }

    fn carries(&self, plug: Plug) -> bool {
        let plugged = self.cables.get(usize::from(plug.cable)).is_some_and(|cable| cable.plugged);
        let powered = match plug.peer {
            Peer::MainDevice(end) => self.carriers[usize::from(end == End::Second)],
            Peer::Port(n, _) => self.powered(usize::from(n)),
        };
        plugged && powered
    }

    /// Writes the route of a frame that comes in at `end`. `open` says whether the loop of a port is open. Nothing is
    /// allocated if `route` has room for all.
    pub(crate) fn route(&self, end: End, route: &mut Route, open: impl Fn(u16, usize) -> bool) {
        route.hops.clear();
        route.delays.clear();
        route.arrivals.clear();
        route.circulates = None;
        route.exit = None;
        let mut next = if end == End::First { self.first } else { self.second };
        let mut after = 0;
        // A frame enters every port at most once, so the loop ends: where it leaves an ESC or a cable depends only on
        // where it entered, and no cable leads back into the end where it started.
        while let Some(plug) = next.filter(|plug| self.carries(*plug)) {
            after += self.cables[usize::from(plug.cable)].delay;
            let (device, port) = match plug.peer {
                Peer::MainDevice(end) => {
                    route.exit = Some(end);
                    return;
                }
                Peer::Port(device, port) => (device, port),
            };
            route.arrivals.push(Arrival { device, port, after, cable: plug.cable, hops: route.hops.len() });
            if !open(device, port) {
                return;
            }
            let before = route.hops.len();
            let out = route.pass(device, port, after, &open);
            next = self.plugs[usize::from(device)][out];
            let processed = route.hops.len() > before;
            let through = self.through[usize::from(device)];
            after += if processed { through.processing } else { through.forwarding };
        }
    }
}

impl Route {
    /// Takes the frame from port `from`, which is open, to the next open one, which it returns.
    fn pass(&mut self, device: u16, from: usize, after: u32, open: impl Fn(u16, usize) -> bool) -> usize {
        let start = PORT_ORDER.iter().position(|port| *port == from).unwrap_or(0);
        for port in PORT_ORDER.iter().cycle().skip(start).take(4) {
            if *port != from {
                if open(device, *port) {
                    return *port;
                }
                if *port == 0 {
                    self.circulates = Some(self.hops.len());
                }
            }
            if *port == 0 {
                self.hops.push(device);
                self.delays.push(after);
            }
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parents<'a> = &'a [Option<(u16, u8)>];

    fn routed(parents: Parents<'_>, second: Option<(u16, u8)>, end: End, cut: &[usize]) -> Route {
        let delays = vec![100; parents.len() + 1];
        let through = Through { forwarding: 300, processing: 300 };
        let mut topology = Topology::new(parents, &[], &delays, vec![through; parents.len()]).with_second_end(second);
        for cable in cut {
            topology.set_plugged(*cable, false);
        }
        let links: Vec<[bool; 4]> = (0..parents.len()).map(|n| topology.links(n)).collect();
        let mut route = Route::default();
        topology.route(end, &mut route, |n, port| links[usize::from(n)][port]);
        route
    }

    const LINE: Parents<'static> = &[None, Some((0, 1)), Some((1, 1))];
    const STAR: Parents<'static> = &[None, Some((0, 1)), Some((0, 2)), Some((0, 3)), Some((3, 1))];

    #[test]
    fn a_line_is_passed_in_order() {
        let route = routed(LINE, None, End::First, &[]);
        assert_eq!((route.hops, route.delays), (vec![0, 1, 2], vec![100, 500, 900]));
        assert_eq!(route.exit, Some(End::First));
    }

    #[test]
    fn a_star_is_passed_by_ports_three_one_two() {
        assert_eq!(routed(STAR, None, End::First, &[]).hops, [0, 3, 4, 1, 2]);
    }

    #[test]
    fn junctions_inside_junctions_are_passed_depth_first() {
        let tree =
            [None, Some((0, 1)), Some((1, 2)), Some((1, 3)), Some((3, 2)), Some((3, 1)), Some((0, 2)), Some((0, 3))];
        assert_eq!(routed(&tree, None, End::First, &[]).hops, [0, 7, 1, 3, 5, 4, 2, 6]);
    }

    #[test]
    fn what_is_behind_a_pulled_cable_is_not_passed() {
        let route = routed(STAR, None, End::First, &[3]);
        assert_eq!((route.hops, route.exit), (vec![0, 1, 2], Some(End::First)));
    }

    #[test]
    fn a_line_with_two_ends_is_processed_in_one_direction_only() {
        let forward = routed(LINE, Some((2, 1)), End::First, &[]);
        assert_eq!((forward.hops, forward.exit), (vec![0, 1, 2], Some(End::Second)));
        let back = routed(LINE, Some((2, 1)), End::Second, &[]);
        assert_eq!((back.hops, back.exit, back.circulates), (vec![], Some(End::First), None));
        assert_eq!(back.arrivals.iter().map(|a| (a.device, a.port)).collect::<Vec<_>>(), [(2, 1), (1, 1), (0, 1)]);
    }

    #[test]
    fn at_a_broken_cable_both_frames_turn_round() {
        let forward = routed(LINE, Some((2, 1)), End::First, &[1]);
        assert_eq!((forward.hops, forward.exit, forward.circulates), (vec![0], Some(End::First), None));
        let back = routed(LINE, Some((2, 1)), End::Second, &[1]);
        assert_eq!((back.hops, back.exit, back.circulates), (vec![1, 2], Some(End::Second), Some(0)));
    }

    #[test]
    fn the_way_through_the_processing_unit_may_take_longer() {
        let through = Through { forwarding: 300, processing: 340 };
        let topology = Topology::new(LINE, &[], &[100; 3], vec![through; 3]);
        let links: Vec<[bool; 4]> = (0..3).map(|n| topology.links(n)).collect();
        let mut route = Route::default();
        topology.route(End::First, &mut route, |n, port| links[usize::from(n)][port]);
        assert_eq!(route.delays, [100, 540, 980]);
        let back: Vec<u32> = route.arrivals[3..].iter().map(|arrival| arrival.after).collect();
        assert_eq!(back, [980 + 340 + 100, 980 + 340 + 100 + 300 + 100]);
    }

    #[test]
    fn one_that_is_entered_by_another_port_processes_on_the_way_back() {
        // The second is entered by port 1; the third is behind its port 0.
        let parents = [None, Some((0, 1)), Some((1, 0))];
        let through = Through { forwarding: 300, processing: 340 };
        let topology = Topology::new(&parents, &[0, 1, 0], &[100; 3], vec![through; 3]);
        let links: Vec<[bool; 4]> = (0..3).map(|n| topology.links(n)).collect();
        let mut route = Route::default();
        topology.route(End::First, &mut route, |n, port| links[usize::from(n)][port]);
        assert_eq!((route.hops, route.exit), (vec![0, 2, 1], Some(End::First)));
        assert_eq!(
            route.arrivals.iter().map(|a| (a.device, a.port)).collect::<Vec<_>>(),
            [(0, 0), (1, 1), (2, 0), (1, 0), (0, 1)]
        );
    }

    #[test]
    fn a_pulled_end_lets_nothing_in() {
        let route = routed(LINE, None, End::First, &[0]);
        assert_eq!((route.hops.len(), route.exit), (0, None));
    }
}
