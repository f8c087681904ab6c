//! What a rig asks of its machine, for `doctor`: the room that judges machines doesn't know rig files.

use zerocat_config::{EngineSection, LinkKind, Rig, Task, UmemPages, Wait};
use zerocat_host::doctor::{DoctorRequest, Wanted};

/// What `doctor` is to judge by: this rig with its interface; without one, the defaults of a rig file and no interface.
#[must_use]
pub fn doctor_request(rig: Option<&Rig>) -> DoctorRequest {
    let Some(rig) = rig else {
        return DoctorRequest { interface: None, wanted: wanted(&EngineSection::default()), files: Vec::new() };
    };
    let interface = Some(rig.network.properties.interface.clone());
    let sinks = rig.tasks.iter().flat_map(Task::sinks).filter(|sink| !sink.is_stdout());
    let files = sinks.map(|sink| sink.path().to_owned()).collect();
    let taps = rig.wants_eoe_interfaces();
    DoctorRequest { interface, wanted: Wanted { period: Some(rig.period()), taps, ..wanted(&rig.engine) }, files }
}

fn wanted(engine: &EngineSection) -> Wanted {
    Wanted {
        cpu: engine.cpu,
        priority: engine.priority,
        period: None,
        spins: engine.wait == Wait::Spin,
        xdp: engine.link == LinkKind::Xdp,
        busy_polls: engine.busy_poll.settings().is_some(),
        huge_pages: engine.umem_pages == UmemPages::Huge,
        taps: false,
    }
}
