//! A collector of spans on loopback: takes OTLP over HTTP, or behaves badly. Knows the protocol, and nothing of platforms.

use std::future::pending;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// What it does with what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes it.
    Takes,
    /// Answers 500.
    Refuses,
    /// Never answers.
    Hangs,
}

/// Takes spans until it is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    address: String,
    taken: Arc<Taken>,
    runtime: Option<tokio::runtime::Runtime>,
}

#[derive(Debug)]
struct Taken {
    manner: Manner,
    requests: Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>,
}

impl Collector {
    /// Starts one.
    pub(crate) fn start(manner: Manner) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a setting");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::new(Taken {
            manner,
            requests: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(Arc::clone(&taken));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, router).await
        });
        Self {
            address: format!("http://{address}"),
            taken,
            runtime: Some(runtime),
        }
    }

    /// `http://host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.lock().len()
    }

    /// The headers of the first request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.lock()[0].0.clone()
    }

    /// Who sent the first spans.
    pub(crate) fn resource(&self) -> Resource {
        let resource = self.lock()[0].1.resource_spans[0].resource.clone();
        resource.expect("a resource")
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.lock();
        let resources = requests
            .iter()
            .flat_map(|(_, request)| &request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(HeaderMap, ExportTraceServiceRequest)>> {
        self.taken
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn take(State(taken): State<Arc<Taken>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let request = ExportTraceServiceRequest::decode(body).expect("a request of the protocol");
    taken
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((headers, request));
    match taken.manner {
        Manner::Takes => StatusCode::OK,
        Manner::Refuses => StatusCode::INTERNAL_SERVER_ERROR,
        Manner::Hangs => pending().await,
    }
}

/// An attribute as text, whatever its type.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(number) => number.to_string(),
        other => panic!("{name} is {other:?}"),
    })
}
