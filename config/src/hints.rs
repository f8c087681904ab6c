//! What errors say about keys of the rig file beside their types: what belongs to them, and where people look for them.

const RATE: &str = "a number of Hz, such as 100";
const NETWORK: &str = "it belongs in `network`";
const SLAVE: &str = "it belongs to an entry of `slaves`";
const TASK: &str = "it belongs to an entry of `tasks`";
const CHANNEL: &str = "it belongs to an entry of a task's `channels`";
const ENGINE: &str = "it belongs in `engine`";
const LIMITS: &str = "it belongs in `limits`";
const SOURCE: &str = "it belongs in a task's `source`";
const SINK: &str = "it belongs in a task's `sink`";
const DC: &str = "it belongs in `dc` of an entry of `slaves`";
const CLOCKS: &str = "it belongs in `engine.dc`";
const TOP: &str = "it belongs at the top of the file";

/// What belongs to keys whose types say too little.
pub(crate) const BELONGS: &[(&str, &str)] = &[
    ("rate", "a number of Hz, such as 1000"),
    ("cycle_time_us", "a number of microseconds, such as 1000"),
    ("sample_rate", RATE),
    ("stream_rate", RATE),
    ("state_rate", RATE),
    ("network", "an object such as { \"interface\": \"eth0\" }"),
    ("interface", "the name of a network interface, such as \"eth0\""),
    ("device", "the key of a slave or of the network, such as \"axis\""),
    ("pdo", "the name of an entry of the slave's `pdos`, such as \"status_word\""),
    ("frequency", "a number of Hz, such as 0.5"),
    ("amplitude", "a number in units of the channel, such as 1000"),
    ("offset", "a number in units of the channel, such as 0"),
    ("cpu", "the number of a CPU, such as 2"),
    ("priority", "a priority of SCHED_FIFO from 1 to 98, such as 80"),
    ("unit", "a unit for people, such as \"mm\""),
    ("key", "a short name of your own, such as \"axis\""),
    ("jsonl", "the path of a file, such as \"axis.jsonl\""),
];

/// Where keys belong that people look for elsewhere, and words of other files for the same thing.
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[
    ("network", TOP),
    ("slaves", TOP),
    ("tasks", TOP),
    ("engine", TOP),
    ("limits", TOP),
    ("interface", NETWORK),
    ("rate", NETWORK),
    ("cycle_time_us", NETWORK),
    ("subdevices", "a rig file names SubDevices in `slaves`; `subdevices` is a key of a segment for `zerocat sim`"),
    ("devices", "a rig file names SubDevices in `slaves`"),
    ("vendor", "the vendor of a SubDevice is `vendor_id`, a number or a name"),
    ("product", "the product of a SubDevice is `product_code`, a number or an order number"),
    ("address", "a SubDevice is found by `position` (from 0), `alias` (the station alias of its SII) or `serial`"),
    ("value", "what an output is without a command is `initial` and `safe`; commands come from the task's `source`"),
    ("serial", SLAVE),
    ("vendor_id", SLAVE),
    ("product_code", SLAVE),
    ("revision", SLAVE),
    ("position", SLAVE),
    ("pdos", SLAVE),
    ("timeouts", SLAVE),
    ("aoe", SLAVE),
    ("mailbox", SLAVE),
    ("channels", TASK),
    ("sample_rate", TASK),
    ("stream_rate", TASK),
    ("state_rate", TASK),
    ("data_saving", TASK),
    ("sink", TASK),
    ("source", TASK),
    ("after_outage", TASK),
    ("jsonl", SINK),
    ("csv", SINK),
    ("header", SINK),
    ("timeout", SOURCE),
    ("commands", SOURCE),
    ("waveform", CHANNEL),
    ("initial", CHANNEL),
    ("unit", CHANNEL),
    ("safe", CHANNEL),
    ("state_channel", CHANNEL),
    ("pdo", CHANNEL),
    ("link", ENGINE),
    ("cpu", ENGINE),
    ("priority", ENGINE),
    ("wait", ENGINE),
    ("dc", "it belongs in `engine` for the network, and to an entry of `slaves` for a SubDevice"),
    ("assign_activate", DC),
    ("sync0", DC),
    ("sync1", DC),
    ("reference", CLOCKS),
    ("follow", CLOCKS),
    ("lead", CLOCKS),
    ("deadline", ENGINE),
    ("guard", ENGINE),
    ("watchdog", ENGINE),
    ("safe_outputs", ENGINE),
    ("wait_for_subdevices", ENGINE),
    ("stop", ENGINE),
    ("mailbox_gateway", ENGINE),
    ("sync_units", ENGINE),
    ("without_lrw", ENGINE),
    ("without_status", ENGINE),
    ("overlap", ENGINE),
    ("busy_poll", ENGINE),
    ("lost_cycles", LIMITS),
    ("skipped_ticks", LIMITS),
    ("outages", LIMITS),
    ("left_op", LIMITS),
    ("working_counter_faults", LIMITS),
    ("refused_commands", LIMITS),
];
