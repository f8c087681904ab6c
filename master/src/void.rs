//! Single SubDevices whose commands are void, while the others go on.

use std::ops::Range;
use zerocat_engine::{Voider, Voids, voids};
use zerocat_pdi::Plan;

/// Both ends of the orders for the SubDevices of a plan, by position.
pub(crate) fn orders(plan: &Plan) -> (Voider, Voids) {
    let positions = plan.subdevices.iter().map(|one| one.position).max().map_or(0, |last| usize::from(last) + 1);
    let mut outputs: Vec<Range<usize>> = vec![0..0; positions];
    for one in &plan.subdevices {
        outputs[usize::from(one.position)] = one.outputs.clone();
    }
    voids(outputs)
}
