//! How SubDevices hang together: a tree of ports, and the order in which a frame passes them.
//!
//! A frame enters an ESC at port 0, is processed, and then leaves and comes back through ports 3, 1 and 2 in that
//! order, before it goes back out of port 0 (ETG.1000.4, 4.3; ET1100 data sheet, section I, 3.2).

/// Order in which the ports behind port 0 are passed.
const PORT_ORDER: [usize; 3] = [3, 1, 2];

/// What hangs on each port of each SubDevice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topology {
    children: Vec<[Option<u16>; 4]>,
}

impl Topology {
    /// From parent and port of each SubDevice; the first has none.
    pub(crate) fn new(parents: &[Option<(u16, u8)>]) -> Self {
        let mut children = vec![[None; 4]; parents.len()];
        for (n, parent) in (0u16..).zip(parents) {
            if let Some((parent, port)) = parent
                && let Some(place) = children.get_mut(usize::from(*parent)).and_then(|p| p.get_mut(usize::from(*port)))
            {
                *place = Some(n);
            }
        }
        Self { children }
    }

    /// Which ports of a SubDevice have a link.
    pub(crate) fn links(&self, n: usize) -> [bool; 4] {
        let mut links = self.children[n].map(|child| child.is_some());
        links[0] = true;
        links
    }

    /// Writes the order in which a frame passes the SubDevices. `closed` says whether the loop of a port is closed
    /// by command. Nothing is allocated if `route` has room for all.
    pub(crate) fn route(&self, route: &mut Vec<u16>, stack: &mut Vec<u16>, closed: impl Fn(u16, usize) -> bool) {
        route.clear();
        stack.clear();
        if !self.children.is_empty() {
            stack.push(0);
        }
        while let Some(n) = stack.pop() {
            route.push(n);
            for port in PORT_ORDER.into_iter().rev() {
                if let Some(child) = self.children[usize::from(n)][port]
                    && !closed(n, port)
                {
                    stack.push(child);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(parents: &[Option<(u16, u8)>], closed: impl Fn(u16, usize) -> bool) -> Vec<u16> {
        let (mut route, mut stack) = (Vec::new(), Vec::new());
        Topology::new(parents).route(&mut route, &mut stack, closed);
        route
    }

    #[test]
    fn a_line_is_passed_in_order() {
        assert_eq!(route(&[None, Some((0, 1)), Some((1, 1))], |_, _| false), [0, 1, 2]);
    }

    #[test]
    fn a_star_is_passed_by_ports_three_one_two() {
        let star = [None, Some((0, 1)), Some((0, 2)), Some((0, 3)), Some((3, 1))];
        assert_eq!(route(&star, |_, _| false), [0, 3, 4, 1, 2]);
    }

    #[test]
    fn what_is_behind_a_closed_loop_is_not_passed() {
        assert_eq!(route(&[None, Some((0, 1)), Some((1, 1))], |n, port| (n, port) == (1, 1)), [0, 1]);
    }
}
