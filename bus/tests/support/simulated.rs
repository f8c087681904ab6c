//! The simulated segment at the pump, and the whole way to OP as a MainDevice goes it.

use std::cell::Cell;
use std::pin::Pin;
use std::time::Duration;

use zerocat_bus::{AlReached, BringUpError, Datagrams, Network, Options, join_all};
use zerocat_pdi::Plan;
use zerocat_sim::{Outcome, SegmentConfig};
use zerocat_wire::{AlState, Command};

use super::{Pump, Segment, rig};

pub(crate) type Simulated = Pump<zerocat_sim::Segment>;

impl Segment for zerocat_sim::Segment {
    fn process(&mut self, frame: &mut [u8], now: Duration) -> bool {
        self.process(frame, now) == Outcome::Returned
    }

    fn advance(&mut self, now: Duration) {
        self.step(now);
    }
}

pub(crate) fn segment(config: &SegmentConfig) -> (Datagrams, Simulated) {
    rig::<16, _>(zerocat_sim::Segment::new(config).expect("a good segment"))
}

impl Simulated {
    /// Names and states of all SubDevices, in the order of the file.
    pub(crate) fn states(&self) -> Vec<AlState> {
        self.segment.snapshot().subdevices.iter().map(|subdevice| subdevice.state).collect()
    }
}

/// To PRE-OP, with PDOs read and everything programmed.
pub(crate) async fn prepare<'d>(
    datagrams: &'d Datagrams,
    options: Options,
) -> Result<(Network<'d>, Plan), BringUpError> {
    let mut network = Network::discover(datagrams, options).await?;
    network.to_pre_op().await?;
    network.read_pdos().await?;
    let plan = zerocat_pdi::lay_out(&network.layouts(), &[], 1400).expect("fits");
    network.program(&plan).await?;
    Ok((network, plan))
}

/// One exchange of all process data by LRW, outputs from the image and inputs into it. Gives the working counters,
/// got and expected.
pub(crate) async fn cycle(datagrams: &Datagrams, plan: &Plan, image: &mut [u8]) -> Vec<(u16, u16)> {
    let mut counters = Vec::new();
    for datagram in plan.frames.iter().flat_map(|frame| &frame.datagrams) {
        assert_eq!(datagram.command, Command::Lrw, "this test only sends LRW");
        let mut data = image[datagram.outputs.clone()].to_vec();
        data.resize(datagram.len, 0);
        let answer = datagrams.lrw(datagram.logical, &data).await.expect("sent");
        let inputs = datagram.len - datagram.inputs.len()..;
        image[datagram.inputs.clone()].copy_from_slice(&answer.data[inputs]);
        counters.push((answer.working_counter, datagram.expected_working_counter));
    }
    counters
}

/// To OP, with process data flowing meanwhile.
pub(crate) async fn operate(
    datagrams: &Datagrams,
    network: &mut Network<'_>,
    plan: &Plan,
    image: &mut [u8],
) -> Result<Vec<AlReached>, BringUpError> {
    let done = Cell::new(false);
    let mut reached = Ok(Vec::new());
    let exchange: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        while !done.get() {
            cycle(datagrams, plan, image).await;
            datagrams.pause(Duration::from_micros(900)).await;
        }
    });
    let climb: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async {
        reached = network.to_op().await;
        done.set(true);
    });
    join_all([exchange, climb]).await;
    reached
}

/// From PRE-OP to OP, one exchange in which every working counter is right, and back to INIT.
pub(crate) fn to_op_and_back(pump: &mut Simulated, datagrams: &Datagrams, network: &mut Network<'_>, plan: &Plan) {
    pump.run(network.to_safe_op()).expect("SAFE-OP");
    let mut image = vec![0; plan.image_len];
    pump.run(operate(datagrams, network, plan, &mut image)).expect("OP");
    assert!(pump.states().iter().all(|state| *state == AlState::Op), "{:?}", pump.states());
    for (got, expected) in pump.run(cycle(datagrams, plan, &mut image)) {
        assert_eq!(got, expected);
    }
    assert_eq!(pump.run(network.shut_down()), []);
    assert!(pump.states().iter().all(|state| *state == AlState::Init), "{:?}", pump.states());
}
