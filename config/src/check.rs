//! Rules between keys.
use crate::error::Problem;
use crate::rig::Rig;
pub(crate) fn problems(_rig: &Rig) -> Vec<Problem> {
    Vec::new()
}
pub(crate) fn warnings(_rig: &Rig) -> Vec<Problem> {
    Vec::new()
}
