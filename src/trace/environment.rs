//! OpenTelemetry's own variables, as far as they stand for keys of the configuration. Those for headers, time-outs and
//! attributes of the sender are read by its library.

use figment::providers::Env;

const KEYS: [(&str, &str); 4] = [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp_traces_endpoint"),
    ("OTEL_TRACES_SAMPLER", "trace_sampler"),
    ("OTEL_TRACES_SAMPLER_ARG", "trace_sample_ratio"),
];

/// A source of configuration. An empty variable counts as absent.
pub(crate) fn environment() -> Env {
    Env::raw().filter_map(|name| {
        let (name, key) = KEYS.into_iter().find(|(its, _)| name == its)?;
        let is_set = std::env::var_os(name).is_some_and(|value| !value.is_empty());
        is_set.then(|| key.into())
    })
}
