//! Which values can be used.

use super::{Config, ConfigError, Networks};
use crate::scaling::ScalingSettings;
use crate::websocket::SocketSettings;

/// Whether a rule holds, whose it is, and what it asks for.
pub(super) type Rule = (bool, &'static str, &'static str);

impl Config {
    /// Whether a host, in lower case, is an address of the platform itself.
    pub(crate) fn is_own_host(&self, host: &str) -> bool {
        let mut own = self.hosts.split(',').map(str::trim);
        own.any(|own| own.eq_ignore_ascii_case(host))
    }

    /// The configuration, if every value is in its range.
    pub(super) fn validated(self) -> Result<Self, ConfigError> {
        let rules = [
            (self.max_memory >= 32, "max_memory", "at least 32 (MB)"),
            (self.max_timeout >= 1, "max_timeout", "at least 1 (ms)"),
            (
                self.max_body_bytes <= 1 << 29,
                "max_body_bytes",
                "at most 512 MiB",
            ),
            (
                self.max_bodies_bytes >= self.max_body_bytes.max(self.max_bundle_bytes),
                "max_bodies_bytes",
                "at least max_body_bytes and max_bundle_bytes",
            ),
            (
                Networks::parse(&self.trusted_proxies).is_some(),
                "trusted_proxies",
                "addresses and networks such as 10.0.0.0/8, with commas between",
            ),
            (self.max_connections >= 1, "max_connections", "at least 1"),
            (
                self.max_connections_per_address >= 1,
                "max_connections_per_address",
                "at least 1",
            ),
            (
                self.header_timeout_ms.min(self.connection_idle_ms) >= 1,
                "header_timeout_ms and connection_idle_ms",
                "at least 1 (ms)",
            ),
            (self.max_instances >= 1, "max_instances", "at least 1"),
            (self.max_zygotes >= 1, "max_zygotes", "at least 1"),
            (
                self.default_max_instances >= 1,
                "default_max_instances",
                "at least 1",
            ),
            (
                self.load_timeout_ms >= 1,
                "load_timeout_ms",
                "at least 1 (ms)",
            ),
            (
                self.alert_interval_ms >= 50,
                "alert_interval_ms",
                "at least 50 (ms)",
            ),
            (
                self.webhook_retry_ms >= 1,
                "webhook_retry_ms",
                "at least 1 (ms)",
            ),
            (
                (0.0..=1.0).contains(&self.trace_sample_ratio),
                "trace_sample_ratio",
                "from 0 to 1",
            ),
        ];
        match rules
            .into_iter()
            .chain(of_state(&self))
            .chain(self.tls.rules())
            .chain(of_connections(&self.websockets))
            .chain([of_memory(&self.scaling)])
            .find(|(holds, ..)| !holds)
        {
            Some((_, key, rule)) => Err(ConfigError::OutOfRange { key, rule }),
            None => Ok(self),
        }
    }
}

fn of_state(config: &Config) -> [Rule; 5] {
    let has_key = config.master_key.is_some() || config.master_key_file.is_some();
    [
        (config.versions_kept >= 1, "versions_kept", "at least 1"),
        (
            !config.is_node() || has_key,
            "master_key or master_key_file",
            "the same for all nodes that share database_url and artifacts.url: set one of them",
        ),
        (
            config.artifacts.is_valid(),
            "artifacts.url",
            "an absolute path, or s3://bucket/prefix",
        ),
        (
            config.artifacts.url.is_none() || config.database_url.is_some(),
            "artifacts.url",
            "left out without database_url",
        ),
        (
            (100..=600_000).contains(&config.events.lease_ms),
            "events.lease_ms",
            "from 100 ms to 10 minutes",
        ),
    ]
}

fn of_connections(settings: &SocketSettings) -> [Rule; 2] {
    [
        (
            settings.ping_interval_ms.min(settings.lifetime_ms) >= 1,
            "websockets.ping_interval_ms and websockets.lifetime_ms",
            "at least 1 (ms)",
        ),
        (
            (1..=1 << 20).contains(&settings.message_bytes_max),
            "websockets.message_bytes_max",
            "from 1 byte to 1 MiB",
        ),
    ]
}

fn of_memory(settings: &ScalingSettings) -> Rule {
    (
        (0.0..100.0).contains(&settings.memory_reserve_percent),
        "scaling.memory_reserve_percent",
        "from 0 to less than 100",
    )
}
