//! Tests of the whole platform from outside: a real supervisor, real runtimes, real processes, over HTTP.
//!
//! - `api`: functions as resources
//! - `attacks`: handlers that attack everything they can reach, row by row
//! - `fields`: every field of a deployment that can be wrong
//! - `parity`: every behaviour in every language, as data
//! - `bodies`: large bodies both ways, and their limits
//! - `streaming`: answers that come in pieces
//! - `streaming_ends`: how they end before they have ended
//! - `start_kinds`: warm, parked, forked and booted starts, queues, and the end of idle instances
//! - `scaling`: instances that are ready before they are asked for, and why
//! - `hygiene`: what siblings of one fork must not share
//! - `net`: sockets of functions in TypeScript
//! - `snapshots`: hooks around the snapshot, and modules that cannot be snapshotted
//! - `faults`: handlers that throw, crash, hang, or eat memory
//! - `violations`: instances that break the protocol of their socket
//! - `deaths`: processes of the platform that are killed from outside
//! - `refresh`: zygotes that are made anew while they serve
//! - `layouts`: crashes that tell where things lie
//! - `loading`: modules that do not load
//! - `drain`: the end of a platform, asked for or not
//! - `service`: what a service manager is told, and the sockets that it hands over
//! - `install`: Zygo as a service of systemd
//! - `backup`: backups, and what comes back out of them
//! - `backup_damage`: backups that are damaged or forged
//! - `monitoring`: the dashboard for Grafana and the rules for Prometheus
//! - `upgrade`: a platform that makes way for its successor
//! - `chaos`: a hundred thousand invocations while processes are being killed
//! - `archive`: archives, and those that are refused
//! - `archive_tricks`: archives that two readers would read in two ways
//! - `versions`: versions, rollback, aliases and the history
//! - `changes`: preconditions, repeated requests, variables one by one
//! - `durability`: kills and refusals at every step of a change
//! - `collection`: what nobody needs any more
//! - `damage`: lost and damaged files
//! - `observed`: lines that user code wrote
//! - `figures`: records, figures and costs
//! - `admission`: rate limits and circuit breakers
//! - `overload`: more callers than can be served
//! - `room`: functions that take room from each other
//! - `auth`: keys that see some functions alone, and functions for everyone
//! - `keys`: keys over time, and platforms that would ask nobody
//! - `cli`: the command line, as people and scripts see it
//! - `cli_output`: all that the command line prints
//! - `cli_care`: secrets, terminals and files that change at the command line
//! - `marketplace`: templates, and functions made of them
//! - `soak`: deployments, rollbacks and kills under load
//! - `specification`: the lines of the owner's specification
//! - `dependencies`: the tools that install packages
//! - `documentation`: the pages of `docs/`, run, and compared with the code
//! - `packages`: packages of every shape
//! - `alerts`: rules that fire, are resolved, and are told of once
//! - `alert_rules`: what may be set, and what is refused
//! - `webhooks`: notices that are refused, late, signed
//! - `cli_alerts`: the same at the command line
//! - `queue`: invocations that nobody waits for
//! - `dead_letters`: what failed too often
//! - `queue_kills`: the same while the platform is killed
//! - `events`: events, and who gets them
//! - `destinations`: who is told what came of them
//! - `cron`: schedules
//! - `sources`: queues elsewhere, at real servers
//! - `settings`: what an operator may set, and languages that are missing
//! - `traces`: contexts of traces, and which traces are recorded
//! - `spans`: what a collector gets, and collectors that take nothing
//! - `websocket`: connections of functions
//! - `websocket_protocol`, `websocket_cases`, `websocket_contents`: their frames, right and wrong
//! - `websocket_limits`: their bounds
//! - `websocket_routes`: where they are to be had
//! - `routes`: HTTP triggers, and which requests lead to them
//! - `trigger_events`: what their handlers are told
//! - `trigger_answers`: what becomes of their answers
//! - `domains`: hosts that belong to functions
//! - `cors`: pages of other origins
//! - `tls`: encrypted connections, and certificates by name
//! - `http`: requests that are none
//! - `openapi`: the API's description, and the page that shows it
//! - `conformance`: the API against its own description
//! - `dashboard`: the page in the binary, and who gets it
//! - `source_code`: the files of a version
//! - `zygotes`: the zygotes of functions, and their memory
//! - `matrix`: every operation against every kind of caller

mod brokers;
mod bursts;
mod certificates;
mod client;
mod collector;
mod echo;
mod exposition;
mod frames;
mod language;
mod launch;
mod pack;
mod pattern;
mod platform;
mod ports;
mod processes;
mod raw;
mod receiver;
mod turn;
mod wait;

mod acme;
mod admission;
mod alert_rules;
mod alerts;
mod api;
mod archive;
mod archive_tricks;
mod attacks;
mod auth;
mod authority;
mod backup;
mod backup_damage;
mod bodies;
mod changes;
mod chaos;
mod cli;
mod cli_alerts;
mod cli_care;
mod cli_output;
mod collection;
mod conformance;
mod connections;
mod cors;
mod cron;
mod damage;
mod dashboard;
mod dead_letters;
mod deaths;
mod dependencies;
mod destinations;
mod documentation;
mod domains;
mod drain;
mod durability;
mod events;
mod faults;
mod fields;
mod figures;
mod frameworks;
mod growth;
mod http;
mod hygiene;
mod install;
mod keys;
mod layouts;
mod loading;
mod marketplace;
mod matrix;
mod monitoring;
mod net;
mod observed;
mod openapi;
mod overload;
mod packages;
mod parity;
mod queue;
mod queue_kills;
mod refresh;
mod rollouts;
mod room;
mod routes;
mod scaling;
mod service;
mod settings;
mod several;
mod several_seats;
mod snapshots;
mod soak;
mod source_code;
mod sources;
mod spans;
mod specification;
mod start_kinds;
mod streaming;
mod streaming_ends;
mod tls;
mod traces;
mod trigger_answers;
mod trigger_events;
mod upgrade;
mod versions;
mod violations;
mod webhooks;
mod websocket;
mod websocket_cases;
mod websocket_contents;
mod websocket_limits;
mod websocket_protocol;
mod websocket_routes;
mod zygotes;

/// Where platforms under test keep their state: in SQLite files. `tests/postgres` runs some of these modules on PostgreSQL.
const DATABASE_URL: Option<fn(&std::path::Path) -> String> = None;
