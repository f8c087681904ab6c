//! The list itself: a row for each fault, in the order of exit codes.

use crate::Category::{self, Config, Device, Master, Network, User};

macro_rules! faults {
    ($($variant:ident $name:literal $category:ident $code:expr; $meaning:literal; $todo:literal;)+) => {
        /// An error or a fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Fault {
            $(#[doc = $meaning] $variant,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Its stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Where the cause is looked for first.
            #[must_use]
            pub const fn category(self) -> Category {
                match self { $(Self::$variant => $category,)+ }
            }

            /// The exit code of a command that ends with it; `None` where none does.
            #[must_use]
            pub const fn exit_code(self) -> Option<u8> {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What it means, as part of a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)+ }
            }

            /// What to do about it.
            #[must_use]
            pub const fn what_to_do(self) -> &'static str {
                match self { $(Self::$variant => $todo,)+ }
            }
        }
    };
}

faults! {
    ShutdownFailed "shutdown_failed" Device Some(1);
        "a SubDevice refused a step of the shutdown, or the shutdown failed otherwise";
        "look at what each SubDevice shows; its watchdog takes the outputs back";
    ShutdownUnanswered "shutdown_unanswered" Network Some(1);
        "nobody answered when the network was to be shut down, or not all did";
        "check cables, connectors and power; the watchdogs of the SubDevices take the outputs back";
    WriteFailed "write_failed" Master Some(1);
        "a file or standard output that was open did not take what was written";
        "look at the space of the disk and at who reads the pipe";
    CaptureFailed "capture_failed" Master Some(1);
        "the capture ended before the run";
        "look at the space of the disk; the run itself was well";
    RealtimeThreadEnded "realtime_thread_ended" Master Some(1);
        "the realtime thread ended by itself";
        "run with -v and report it: this is a mistake in zerocat";
    ThreadPanicked "thread_panicked" Master Some(1);
        "a thread ended by a panic";
        "report it with the message: this is a mistake in zerocat";
    SystemCallFailed "system_call_failed" Master Some(1);
        "the operating system refused a call that has no other name here";
        "the message says which call; look at limits and seccomp filters";
    StoppedBySignal "stopped_by_signal" User Some(1);
        "a signal ended the command before it had a result";
        "run it again";
    SegmentFailed "segment_failed" Master Some(1);
        "the simulated segment could not be served any more";
        "look at the interface or socket that the message names";
    SegmentInterfaceGone "segment_interface_gone" Master Some(1);
        "the interface of a simulated segment was removed or moved";
        "put the interface back and start `sim` again";
    ViolationsFound "violations_found" Master Some(1);
        "a campaign found violations of its invariants";
        "repeat a seed with --first SEED --seeds 1; report it: this is a mistake in zerocat";
    DevicesNotInOp "devices_not_in_op" Device Some(1);
        "devices of a sweep did not reach OP";
        "the report names the stage and the reason of each";
    AuditFindings "audit_findings" Master Some(1);
        "the audit of a bench found allocations, page faults or lost cycles";
        "`zerocat doctor` names what stands between this machine and a good cycle";
    BenchFailed "bench_failed" Master Some(1);
        "a measurement could not be made";
        "the message says what was in the way";
    BenchMissed "bench_missed" Master Some(1);
        "figures of a bench miss what is aimed at";
        "the table says which ones, and by how much";
    SettingsNotRestored "settings_not_restored" Master Some(1);
        "`tune --restore` could not put a setting back";
        "the driver's reason is in the message; set it with ethtool";
    WrongArguments "wrong_arguments" User Some(2);
        "an option or argument is unknown, missing or impossible";
        "see --help of the command";
    FileNotReadable "file_not_readable" Config Some(3);
        "a file that was named can't be read";
        "check its path and permissions";
    FileMalformed "file_malformed" Config Some(3);
        "a file is not of its format, or a key is unknown, missing or of a wrong type";
        "the message has the path of the key; `zerocat schema` prints the formats";
    RulesBroken "rules_broken" Config Some(3);
        "a rig file breaks rules between its keys";
        "each problem says what to do; `zerocat check` finds without a network those that don't depend on types that the bus says";
    RatesImpossible "rates_impossible" Config Some(3);
        "a rate makes no grid, or a task's rates don't divide the network's";
        "choose rates that divide the network's";
    SegmentFileWrong "segment_file_wrong" Config Some(3);
        "a segment file, or a script for a simulated segment, is wrong";
        "the message says where; `zerocat schema segment` prints the format";
    DeviceDescriptionWrong "device_description_wrong" Config Some(3);
        "a vendor's device description (ESI) can't be used, or there is none";
        "the message says where; `sim --esi FILE` lists the devices of a file";
    NetworkDescriptionWrong "network_description_wrong" Config Some(3);
        "a network description (ENI) can't be used";
        "the message says where; export the file from its tool again, without encryption";
    FileNotWritable "file_not_writable" Config Some(3);
        "a report, capture, sink or draft can't be opened for writing";
        "check that its folder exists and may be written to";
    FileExists "file_exists" Config Some(3);
        "a file that would be written over is there";
        "choose another name, or --overwrite";
    GatewayCannotListen "gateway_cannot_listen" Config Some(3);
        "the mailbox gateway can't listen at the address and port that it is given";
        "the message says why: another program has the port (`ss -lntup` says which; end it, or give another `port`), the address is none of this machine (`ip address` lists them; change `listen`), or a port below 1024 needs CAP_NET_BIND_SERVICE";
    StateFileWrong "state_file_wrong" Config Some(3);
        "the state file of `tune` is missing, damaged or of another interface";
        "name the right one with --state";
    NoSuchInterface "no_such_interface" Master Some(4);
        "the interface does not exist in this network namespace";
        "the message lists those that do";
    InterfaceInUse "interface_in_use" Master Some(4);
        "another zerocat, or a rig that runs, uses the interface";
        "stop it first";
    InterfaceDown "interface_down" Master Some(4);
        "the interface is set down";
        "ip link set dev IF up";
    NoCarrier "no_carrier" Network Some(4);
        "the interface has no carrier";
        "check the cable, and power at the other end";
    InterfaceUnsuited "interface_unsuited" Master Some(4);
        "the interface is not Ethernet, or its MTU or queues don't fit";
        "the message says what fits, and how to set it";
    PermissionMissing "permission_missing" Master Some(4);
        "a capability is missing";
        "run as root, or grant the capabilities that docs/privileges.md lists";
    XdpProgramPresent "xdp_program_present" Master Some(4);
        "another XDP program is on the interface";
        "remove it, or --replace-program";
    XdpUnavailable "xdp_unavailable" Master Some(4);
        "AF_XDP, or the mode that was demanded, is unavailable";
        "choose `auto` or another mode; `zerocat doctor` says what the driver can";
    LinkUnavailable "link_unavailable" Master Some(4);
        "the link could not be opened";
        "the message says which step failed";
    LinkGone "link_gone" Master Some(4);
        "the interface was removed in a run, or its XDP program can't be attached again";
        "put the interface back and start again";
    StrictUnavailable "strict_unavailable" Master Some(4);
        "--strict, and something that was asked for is unavailable";
        "the message lists it; `zerocat doctor` says what to do";
    OutputsUnwatched "outputs_unwatched" Device Some(4);
        "--strict, and no watchdog guards the outputs of a SubDevice";
        "its SII enables none: run without --strict, or ask the vendor";
    SettingsRefused "settings_refused" Master Some(4);
        "`tune` may not, or can't, change the interface";
        "the message says why";
    EthernetInterfaceFailed "ethernet_interface_failed" Master Some(4);
        "a network interface (TAP) that the rig file has for EoE could not be made";
        "the message says why: rights (CAP_NET_ADMIN), the name, or that there is no /dev/net/tun (`modprobe tun`; a container needs `--device /dev/net/tun`); `zerocat doctor RIG` looks at it before; or leave `interface` out of `eoe`";
    NoSubdeviceAnswers "no_subdevice_answers" Network Some(5);
        "no SubDevice answered";
        "check cable, interface and power; the message has what this host knows of it";
    BusDriven "bus_driven" Network Some(5);
        "another MainDevice drives the bus";
        "stop it first, or --take-bus";
    SubdeviceCountChanged "subdevice_count_changed" Network Some(5);
        "SubDevices came or went while they were being found";
        "check connectors and power, and start again";
    DatagramFailed "datagram_failed" Network Some(5);
        "a datagram came back unanswered, or with a wrong working counter";
        "check cables and connectors at the SubDevice that the message names";
    SiiUnreadable "sii_unreadable" Device Some(5);
        "the SII of a SubDevice can't be read";
        "start again; where it stays so, the SII is damaged";
    StateRefused "state_refused" Device Some(5);
        "a SubDevice refused an AL state, and went on refusing it";
        "its AL status code says why";
    StateTimeout "state_timeout" Device Some(5);
        "a SubDevice did not reach an AL state in time and showed no error";
        "raise its `timeouts` in the rig file";
    PdoAssignmentRefused "pdo_assignment_refused" Device Some(5);
        "a SubDevice did not take the PDO assignment or mapping that the rig file asks for";
        "its message names object and reason; let `assign` ask for what the SubDevice allows";
    SdoFailed "sdo_failed" Device Some(5);
        "an SDO transfer or a startup command was aborted, its answer made no sense, or it reads back as something else";
        "the abort code says why";
    MailboxFailed "mailbox_failed" Device Some(5);
        "a mailbox did not answer in time, or wrongly";
        "raise the mailbox timeout of the SubDevice; check its cable";
    WatchdogNotSet "watchdog_not_set" Device Some(5);
        "a SubDevice did not take the watchdog time";
        "choose another `engine.watchdog`";
    NoReferenceClock "no_reference_clock" Device Some(5);
        "the SubDevice that was chosen as the reference clock has no system time";
        "choose another in `engine.dc`, or none: the first that can is taken";
    ClocksNotConverged "clocks_not_converged" Device Some(5);
        "clocks of SubDevices did not come close enough to the reference clock in time, and SYNC is asked for";
        "the message has the difference of each; look for a SubDevice that was cabled the wrong way round or restarts";
    PhaseNotLocked "phase_not_locked" Master Some(5);
        "frames did not come to their phase to the reference clock in time, and SYNC is asked for";
        "the message has how far they were; `zerocat doctor` says what keeps this machine from keeping time";
    SyncNotStarted "sync_not_started" Device Some(5);
        "a SubDevice was told to give SYNC0 and does not, or not when it should";
        "look whether the `assign_activate` of its `dc` is the one that its description names, and switch it off and on; the message has what its registers say";
    SubdeviceMissing "subdevice_missing" Device Some(5);
        "a configured SubDevice is not on the bus";
        "the message has what is in its place; `zerocat scan` shows the bus";
    SubdeviceMismatch "subdevice_mismatch" Device Some(5);
        "another SubDevice is where a configured one should be";
        "the message has what differs, and the line of the rig file that accepts it";
    SubdeviceUnnamed "subdevice_unnamed" Device Some(5);
        "a SubDevice is on the bus that the rig file doesn't name";
        "name it in `slaves`; `network.unknown` says whether a run goes on without it";
    SubdevicesNotRead "subdevices_not_read" Device Some(5);
        "a scan could not read what some SubDevices map";
        "the message has the reason of each; --timeout waits longer";
    SyncImpossible "sync_impossible" Config Some(5);
        "a SubDevice can't have the SYNC that the rig file asks for";
        "the message has the numbers, or the operation modes that it has; change its `dc` or the rate";
    ProcessDataUnplaced "process_data_unplaced" Config Some(5);
        "the process data can't be laid out, or needs more frames than the link has";
        "list all PDO entries in the rig file, or use fewer";
    WatchdogTooShort "watchdog_too_short" Config Some(5);
        "outputs come less often than their watchdog asks for";
        "lower `every` of the sync unit, or raise `engine.watchdog`";
    ChannelUnplaced "channel_unplaced" Config Some(5);
        "a channel names an entry that the SubDevice doesn't map";
        "`zerocat init` writes the entries that are there into a rig file, `zerocat scan -v` shows them";
    ExchangeIncomplete "exchange_incomplete" Network Some(5);
        "the cyclic exchange did not become complete";
        "look for a SubDevice without its process data, a bad cable, or lost frames";
    AnswersLate "answers_late" Network Some(5);
        "answers come later than a cycle waits for them";
        "lower the rate: the round trip is too long for this period";
    BringUpTimeout "bring_up_timeout" Network Some(5);
        "the bus was not in OP within the bound";
        "run with -v to see which step takes so long";
    NetworkChanged "network_changed" Device Some(5);
        "the network that came back after an outage is another one";
        "put it back as it was, or stop and start again";
    SafeOutputsNotSent "safe_outputs_not_sent" Network Some(5);
        "the interface took no frames with safe outputs";
        "the watchdogs of the SubDevices act instead";
    ShutdownTimeout "shutdown_timeout" Network Some(5);
        "the bus was not shut down within the bound";
        "all SubDevices were asked for INIT by broadcast; look at what they show";
    RealtimeThreadStuck "realtime_thread_stuck" Master Some(5);
        "the realtime thread did not obey in time";
        "leave it a CPU; `zerocat doctor` says who takes it";
    HostWarnings "host_warnings" Master Some(6);
        "`doctor` found warnings and nothing worse";
        "each has what to do";
    SettingsLeft "settings_left" Master Some(6);
        "`tune --restore` left a setting that somebody else had changed";
        "--force puts it back";
    HostErrors "host_errors" Master Some(7);
        "`doctor` found errors";
        "each has what to do";
    SubdeviceLeftOp "subdevice_left_op" Device Some(8);
        "a SubDevice is not in OP while the network is";
        "its AL status code says why";
    SubdeviceSilent "subdevice_silent" Device Some(8);
        "a SubDevice does not answer while others do";
        "check its power and the cable to it";
    SubdeviceWatchdogExpired "subdevice_watchdog_expired" Device Some(8);
        "the watchdog of a SubDevice expired";
        "frames stood still for it: check its cable, and raise `engine.watchdog` if it is too short";
    SubdeviceRestarted "subdevice_restarted" Device Some(8);
        "a SubDevice has lost its station address: it was switched off and on, or restarted";
        "check its power; stop and start again to take it to OP";
    SubdeviceErrorInOp "subdevice_error_in_op" Device Some(8);
        "a SubDevice shows an error and has stayed in OP";
        "its AL status code says why";
    ThreadLimit "thread_limit" Master Some(9);
        "no more threads may be started";
        "raise RLIMIT_NPROC or pids.max, as the message says";
    FileLimit "file_limit" Master Some(9);
        "no more files may be opened";
        "raise RLIMIT_NOFILE or fs.file-max, as the message says";
    MemoryLimit "memory_limit" Master Some(9);
        "there is no more memory";
        "look at RLIMIT_AS and at the memory of the control group";
    LockedMemoryLimit "locked_memory_limit" Master Some(9);
        "no more memory may be locked";
        "raise RLIMIT_MEMLOCK";
    LimitBroken "limit_broken" Master Some(10);
        "a limit of the rig file was broken";
        "the message has key, limit and value; docs/rig-file.md, `limits`";
    OptionalSubdeviceMissing "optional_subdevice_missing" Device None;
        "an optional SubDevice of the rig file isn't on the bus as the file wants it; the run goes on without it";
        "put it there and start again where it is wanted";
    ClockMisbehaves "clock_misbehaves" Device None;
        "something is odd with the clock of a SubDevice, and SYNC does not depend on it";
        "the message says what: swapped cables, receive times that differ, offsets that are not kept, a clock that does not follow";
    ClockAstray "clock_astray" Device None;
        "the clock of a SubDevice differs from the reference clock by more than the limit";
        "the message has by how much; look for lost frames, and for a SubDevice that was restarted";
    ReferenceClockLost "reference_clock_lost" Device None;
        "the reference clock does not answer, or shows another time than it should; frames go on at the last rate";
        "look at the SubDevice that has it";
    OutageSilence "outage_silence" Network None;
        "an outage: no frame came back for as long as the watchdog";
        "check cables, connectors and power";
    BringUpStall "bring_up_stall" Master None;
        "bring-up failed because the program stood still in it, and began again";
        "it was stopped, or had no CPU; `zerocat doctor` says who takes it";
    OutageStall "outage_stall" Master None;
        "an outage: the program sent no frame for as long as the watchdog";
        "it was stopped, or had no CPU; `zerocat doctor` says who takes it";
    OutageSuspended "outage_suspended" Master None;
        "an outage: the machine was suspended";
        "keep it from sleeping while a rig runs";
    OutagePaused "outage_paused" Master None;
        "an outage: the machine was paused, as virtual machines are";
        "don't pause or migrate it while a rig runs";
    OutageWatchdogsExpired "outage_watchdogs_expired" Network None;
        "an outage: all watchdogs expired while frames came back";
        "a cable within the network was out, or the machine was paused";
    OutageXdpDetached "outage_xdp_detached" Master None;
        "an outage: somebody detached the XDP program";
        "look for what manages XDP programs on this interface";
    NotRecovered "not_recovered" Network None;
        "the network that came back after an outage isn't driven";
        "the message has the reason: another network, another MainDevice, the XDP program";
    SubdeviceDiffers "subdevice_differs" Device None;
        "a SubDevice is otherwise than the rig file says, and no rule is broken";
        "write what it is into the rig file, or put back what was there";
    DataTypeUnsaid "data_type_unsaid" Config None;
        "neither the rig file nor the bus says the data type of a channel";
        "it is taken as unsigned, by its length: write its `data_type` where that is wrong";
    SubdeviceReplaced "subdevice_replaced" Device None;
        "after an outage another SubDevice is in the place of one, and the rig file accepts it";
        "none, if it was put there on purpose";
    StateRetried "state_retried" Device None;
        "a SubDevice refused an AL state, its error was acknowledged, and it got there in the end";
        "its AL status code says why; a watchdog code is usual on the way to OP";
    CommandsVoid "commands_void" Device None;
        "what was commanded of a SubDevice is void: it was left without frames while others went on; its outputs are safe";
        "look at the cables and the power before it, and command it anew";
    IpParameterRefused "ip_parameter_refused" Device None;
        "a SubDevice didn't take the IP parameter that the rig file has for it";
        "the message says what it answered; set it by the vendor's tool, or leave it out of `eoe`";
    MailboxSilent "mailbox_silent" Device None;
        "the mailbox of a SubDevice doesn't answer, while its process data is exchanged";
        "requests to it fail (`timeout` and `busy` in the report's `mailboxes`) until it answers, which is told too. If it stays so, bring it to OP anew (`SubDeviceHandle::bring_to_op`) or switch it off and on; if it comes again, ask its vendor";
    Emergency "emergency" Device None;
        "a SubDevice sent an emergency message, by CoE or SoE";
        "its code in words, register and data are in the log, and in the report's `emergencies`; see the vendor's manual. Those of before OP are in the log only";
    Diagnosis "diagnosis" Device None;
        "a SubDevice's diagnosis history (object 0x10F3) has a new warning or error";
        "its code, text ID and parameters are in the log; see the vendor's manual. `mailbox.diagnosis` in the rig file switches it off";
    CyclesLost "cycles_lost" Network None;
        "a cycle's frames did not come back in time";
        "the log tells cables from a machine that was late";
    MachineLate "machine_late" Master None;
        "cycles were lost because this machine did not keep time";
        "`zerocat doctor` says what is in the way";
    Preempted "preempted" Master None;
        "the realtime thread wanted to run and did not";
        "give it a CPU of its own";
    NoFrameSent "no_frame_sent" Master None;
        "no frame was sent for as long as the watchdog; outputs were made safe";
        "it was stopped, or had no CPU";
    WorkingCounterWrong "working_counter_wrong" Device None;
        "a datagram came back with a working counter other than expected; inputs of who took no part were not taken";
        "a SubDevice is silent, or not in OP";
    LinkDown "link_down" Master None;
        "the interface is down or has no carrier, as the link reports";
        "look at the cable, and set the interface up";
    LinkBusy "link_busy" Network None;
        "frames wait in the transmit queue";
        "look at the carrier and at pause frames";
    LinkError "link_error" Master None;
        "the link reported another error";
        "the message has it";
    EventsDropped "events_dropped" Master None;
        "events of cycles found no room and are not in the log";
        "counters have them all the same";
    SamplesOverrun "samples_overrun" Master None;
        "samples were lost because a task did not keep up";
        "lower its rates, or give the machine more CPUs";
    BatchesLost "batches_lost" Master None;
        "a sink did not take batches";
        "look at the disk, or at who reads the pipe";
    SinkStuck "sink_stuck" Master None;
        "a sink took nothing any more and was left behind";
        "look at the disk, or at who reads the pipe";
    OutputLinesLost "output_lines_lost" Master None;
        "standard error did not take lines";
        "look at who reads it";
    CommandMalformed "command_malformed" User None;
        "a line of commands is no JSON object";
        "one object a line, such as {\"100010\": 5}";
    CommandTooLong "command_too_long" User None;
        "a line of commands is longer than a line may be";
        "split it";
    CommandChannelUnknown "command_channel_unknown" User None;
        "a command names a channel that the task doesn't have, or that is disabled";
        "`zerocat check` lists the channels of each task";
    CommandValueWrong "command_value_wrong" User None;
        "the value of a command is not of the form of its channel";
        "a number, true or false, or bytes as hexadecimal text";
    CommandOutOfRange "command_out_of_range" User None;
        "the value of a command doesn't fit the entry; the output holds its last one";
        "give a value in the range of its data type";
    CommandOutdated "command_outdated" User None;
        "a command came before the end of an outage or of a silence, and was dropped";
        "give it again";
    CommandOverflowed "command_overflowed" User None;
        "a line of commands was refused because too many waited for their turn";
        "send them no faster than they are handed over, or take the newest only";
    SourceEnded "source_ended" User None;
        "a source of commands has ended; its outputs are safe";
        "keep it open as long as it commands";
    SourceSilent "source_silent" User None;
        "a source of commands was silent for as long as its `timeout`; its outputs are safe";
        "look at what writes the commands; the next one is obeyed";
    SyncMissed "sync_missed" Device None;
        "a SubDevice counts SYNC that did not meet its process data (0x1C32:0B to 0x1C32:20)";
        "frames are late or lost, or `lead` is too short for frame and copying; the report has wake-ups and phase";
    ClockStepped "clock_stepped" Master None;
        "a clock was stepped: the times of samples are of another base from there on";
        "times of one base are comparable; set the wall clock before a run, and let NTP slew it";
    SourceFailed "source_failed" Master None;
        "commands can't be read any more";
        "the message says why";
}
