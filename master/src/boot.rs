//! One SubDevice is taken out of the running exchange, to BOOT where a file is to go across, and brought back to OP.
//!
//! Its outputs become safe first, and what was commanded of it before is void. It leaves the cyclic frames with one datagram, so that
//! the others' working counters stay explained in every cycle, and comes back into them as it left. Supervision knows that it is
//! away: what it shows meanwhile is no fault. On its way back it is brought up as all are: startup commands, PDO assignment, its
//! clock where it was restarted, SYNC.
//!
//! Guarantees: the others go on; whatever step fails, it is brought back to OP if that can be, and the error says where it stands;
//! one that comes back as another device, or with other process data, isn't driven. Not guaranteed: that a SubDevice whose flash
//! memory is being written survives the end of the run, which breaks a transfer off.

use crate::asking::Away;
use crate::bring_up::Planned;
use crate::events::SessionEvent;
use crate::layout;
use crate::machine::Machine;
use crate::operation::Left;
use crate::startup::commands;
use crate::void::Voiding;
use futures_lite::future::or;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use zerocat_bus::clock::rejoin::rejoin;
use zerocat_bus::{
    Actors, Alone, BootDone, BootError, BootProblem, BootProgress, BootRequest, BootStep, BootWork, BringUpError, Held,
    Identity, RequestError,
};
use zerocat_config::Transition;
use zerocat_engine::Voided;
use zerocat_pdi::SubDevicePlan;
use zerocat_wire::AlState;

/// How long a SubDevice may take from BOOT to INIT: some write their flash memory then, or restart.
const FLASH: Duration = Duration::from_secs(120);
/// How long it may take to INIT, and to BOOT, else.
const STATE: Duration = Duration::from_secs(10);
/// Cycles in which its outputs are sent as safe before it leaves OP.
const SAFE_CYCLES: u64 = 5;
/// How long the realtime thread may take to make them so.
const OBEY: Duration = Duration::from_millis(500);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(1);

/// The states that it goes through on its way to INIT, with the transition to each.
const DOWN: [(AlState, Transition, AlState); 3] = [
    (AlState::Op, Transition::OpToSafeOp, AlState::SafeOp),
    (AlState::SafeOp, Transition::SafeOpToPreOp, AlState::PreOp),
    (AlState::PreOp, Transition::PreOpToInit, AlState::Init),
];

/// What failed, and in which step.
type Failed = (BootStep, BootProblem);

fn during<E: Into<BootProblem>>(step: BootStep) -> impl Fn(E) -> Failed {
    move |why| (step, why.into())
}

/// Who goes, and what is known of it.
struct Going<'p, 'a> {
    request: &'p BootRequest,
    planned: &'p Planned<'a>,
    alone: Alone<'p>,
    plan: Option<&'p SubDevicePlan>,
    voiding: &'p Voiding,
    away: &'p Away,
}

impl Going<'_, '_> {
    const fn position(&self) -> u16 {
        self.request.position()
    }

    fn tell(&self, step: BootStep) {
        self.request.tell(BootProgress::Step(step));
    }
}

impl<'a> Machine<'a> {
    /// Has SubDevices go to BOOT and back as they are asked to, several at the same time. Never ends.
    pub(crate) async fn serve_boots(
        &self,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
        voiding: &Voiding,
        away: &Away,
    ) -> Left {
        let mut running: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
        std::future::poll_fn(|context| {
            while let Some(request) = actors.next_boot() {
                running.push(Box::pin(async move { self.boot(&request, actors, planned, voiding, away).await }));
            }
            running.retain_mut(|one| one.as_mut().poll(context).is_pending());
            Poll::Pending
        })
        .await
    }

    async fn boot(
        &self,
        request: &BootRequest,
        actors: &Actors<'_>,
        planned: &Planned<'a>,
        voiding: &Voiding,
        away: &Away,
    ) {
        let position = request.position();
        let Some(alone) = planned.network.alone(position) else {
            return request.refuse(RequestError::Unavailable("it is not on the bus"));
        };
        let plan = planned.plan.subdevices.iter().find(|one| one.position == position);
        let going = Going { request, planned, alone, plan, voiding, away };
        if let Some(why) = cannot_go(&going).await {
            let label = going.alone.subdevice().label();
            let now = going.alone.shown().await;
            let in_op = now.is_some_and(|shown| shown.in_op());
            return request.answer(Err(BootError::new(label, BootStep::Leaves, why, now, in_op)));
        }
        let Some(held) = actors.hold(position).await else {
            return request.refuse(RequestError::InBoot(going.alone.subdevice().label()));
        };
        or(self.there_and_back(&going, held), request.expire(self.datagrams)).await;
    }

    async fn there_and_back(&self, going: &Going<'_, 'a>, mut held: Held<'_>) {
        let since = self.datagrams.now();
        let who = going.planned.in_words(going.position());
        self.tell_boot(&SessionEvent::TakenOut {
            who: who.clone(),
            to_boot: *going.request.work() != BootWork::Nothing,
        });
        going.away.begin(going.position());
        let there = self.there(going, &mut held).await;
        held.usual(None);
        let patience = if there.is_ok() { FLASH } else { STATE };
        let back = self.back(going, &mut held, patience).await;
        let before = going.alone.subdevice().identity;
        let failed = match (there, back) {
            (Ok(content), Ok(after)) => {
                let done = BootDone::new(content, before, after, self.datagrams.now().saturating_sub(since));
                let told = BootDone::new(Vec::new(), before, after, done.took);
                self.tell_boot(&SessionEvent::BroughtBack { who, done: Box::new(told) });
                return going.request.answer(Ok(done));
            }
            (Err(failed), Ok(_)) => (failed, true),
            (Ok(_), Err(failed)) => (failed, false),
            (Err(failed), Err((step, why))) => {
                tracing::info!("{who} {step}: {why}");
                (failed, false)
            }
        };
        let ((step, why), in_op) = failed;
        let error = self.stands(going, step, why, in_op).await;
        self.observer.warn(&SessionEvent::BootFailed(Box::new(error.clone())));
        going.request.answer(Err(error));
    }

    /// An error with where it stands. One that isn't brought back takes no part in cyclic frames below SAFE-OP.
    async fn stands(&self, going: &Going<'_, 'a>, step: BootStep, why: BootProblem, in_op: bool) -> BootError {
        let now = going.alone.shown().await;
        if !in_op {
            if now.is_some_and(|shown| shown.status.state().is_none_or(|state| state < AlState::SafeOp)) {
                let _ = going.alone.leave_exchange().await;
            }
            going.away.end(going.position());
        }
        BootError::new(going.alone.subdevice().label(), step, why, now, in_op)
    }

    fn tell_boot(&self, event: &SessionEvent) {
        tracing::info!("{event}");
        self.observer.tell(event);
    }

    /// From the exchange to BOOT, and what is done there.
    async fn there(&self, going: &Going<'_, 'a>, held: &mut Held<'_>) -> Result<Vec<u8>, Failed> {
        going.tell(BootStep::Leaves);
        self.leave(going, held).await.map_err(during(BootStep::Leaves))?;
        if *going.request.work() == BootWork::Nothing {
            return Ok(Vec::new());
        }
        going.tell(BootStep::EntersBoot);
        let info = going.alone.boot_mailbox().await.map_err(during(BootStep::EntersBoot))?;
        let info = info.ok_or((BootStep::EntersBoot, BootProblem::NoBoot))?;
        going.alone.to_boot(&info, STATE).await.map_err(during(BootStep::EntersBoot))?;
        going.tell(BootStep::Transfer);
        let done = going.request.transfer(self.datagrams, held.in_boot(info)).await;
        going.tell(BootStep::LeavesBoot);
        done.map_err(during(BootStep::Transfer))
    }

    /// From the exchange to INIT. What fails on the way to INIT is no matter where it gets there.
    async fn leave(&self, going: &Going<'_, 'a>, held: &mut Held<'_>) -> Result<(), BringUpError> {
        going.voiding.away(going.position(), &going.planned.voider);
        self.outputs_are_safe(going).await;
        for (from, transition, to) in DOWN {
            let shown = going.alone.shown().await.and_then(|shown| shown.status.state());
            if shown == Some(from) {
                self.send_startup_alone(going, held, &[transition], true).await?;
            }
            if to == AlState::Init {
                break;
            }
            if let Err(error) = going.alone.step_down(to).await {
                tracing::info!("{error}");
            }
            if to == AlState::SafeOp {
                let left = going.alone.leave_exchange().await;
                going.away.exchanges(going.position(), false);
                left.unwrap_or_else(|error| tracing::info!("{error}"));
            }
        }
        going.alone.to_init(STATE).await
    }

    /// Waits until safe outputs of it were sent in some cycles.
    async fn outputs_are_safe(&self, going: &Going<'_, 'a>) {
        let end = self.datagrams.now().saturating_add(OBEY);
        let ordered = || going.planned.voider.state(going.position().into()) == Voided::Ordered;
        while ordered() && self.datagrams.now() < end {
            self.datagrams.pause(LOOK).await;
        }
        let cycles = SAFE_CYCLES.max(layout::longest_interval(&self.rig).saturating_add(1));
        self.datagrams.pause(layout::time_of(&self.rig, cycles)).await;
    }

    /// From wherever it is to OP. Returns who it is now.
    async fn back(&self, going: &Going<'_, 'a>, held: &mut Held<'_>, patience: Duration) -> Result<Identity, Failed> {
        going.alone.to_init(patience).await.map_err(during(BootStep::LeavesBoot))?;
        going.tell(BootStep::Returns);
        let back = self.to_op_again(going, held).await.map_err(during(BootStep::Returns))?;
        going.voiding.back(going.position(), &going.planned.voider, self.datagrams.now());
        going.away.back(going.position(), self.datagrams.now());
        Ok(back)
    }

    /// From INIT to OP, as bring-up does it.
    async fn to_op_again(&self, going: &Going<'_, 'a>, held: &mut Held<'_>) -> Result<Identity, BootProblem> {
        let (alone, position) = (&going.alone, going.position());
        let (before, now) = (alone.subdevice().identity, alone.identify().await?);
        let after = now.identity;
        if (before.vendor_id, before.product_code) != (after.vendor_id, after.product_code) {
            return Err(BootProblem::OtherDevice { before, after });
        }
        held.usual(now.mailbox);
        if let Some(clocks) = &going.planned.clocks {
            rejoin(self.datagrams, clocks, position).await?;
        }
        alone.to_pre_op(&now).await?;
        alone.give_net_id(held.mailbox()).await;
        let commands = [Transition::InitToPreOp, Transition::PreOpToSafeOp];
        self.send_startup_alone(going, held, &commands, false).await?;
        self.set_ip_parameters_of(alone.subdevice().label(), &going.planned.matching, held.mailbox()).await;
        if let Some((_, wanted)) = going.planned.assigned.iter().find(|(one, _)| *one == position) {
            alone.assign(&now, held.mailbox(), wanted).await?;
        }
        if let Some(how) = alone.maps_otherwise(&now, held.mailbox()).await? {
            return Err(BootProblem::OtherMap(how));
        }
        self.start_sync_of(going.planned, Some(position)).await?;
        if let Some(plan) = going.plan {
            alone.program(plan).await?;
        }
        alone.to_safe_op().await?;
        if let Some(plan) = going.plan {
            alone.join_exchange(plan).await?;
        }
        going.away.exchanges(position, true);
        self.send_startup_alone(going, held, &[Transition::SafeOpToOp], false).await?;
        alone.to_op(going.plan).await?;
        Ok(after)
    }

    /// Sends it the startup commands of transitions. On its way down none keeps it from going on.
    async fn send_startup_alone(
        &self,
        going: &Going<'_, 'a>,
        held: &mut Held<'_>,
        transitions: &[Transition],
        down: bool,
    ) -> Result<(), BringUpError> {
        let all = commands(&self.rig, &going.planned.matching, transitions);
        let Some((_, commands)) = all.into_iter().find(|(position, _)| *position == going.position()) else {
            return Ok(());
        };
        for failed in going.alone.send_startup(held.mailbox(), &commands).await {
            if !failed.may_fail && !down {
                return Err(Box::new(failed).into());
            }
            self.observer.warn(&SessionEvent::StartupFailed(Box::new(failed)));
        }
        Ok(())
    }
}

/// Why it isn't even taken out.
async fn cannot_go(going: &Going<'_, '_>) -> Option<BootProblem> {
    if going.alone.subdevice().expected(AlState::Op) != Some(AlState::Op) {
        return Some(BootProblem::NotPlanned);
    }
    let to_boot = *going.request.work() != BootWork::Nothing;
    // One that doesn't answer yet is asked again in INIT.
    (to_boot && going.alone.boot_mailbox().await == Ok(None)).then_some(BootProblem::NoBoot)
}
