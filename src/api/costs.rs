//! What invocations cost, by function and day, and what they would cost elsewhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::checked::Checked;
use super::figures::rounded;
use super::time::Moment;
use super::{Failable, find, time};
use crate::cost::{Billed, PROVIDERS};
use crate::function::Function;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::telemetry::{Figures, NS_PER_MS};
use crate::time::unix_ns;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// The currency of all costs.
const CURRENCY: &str = "USD";

/// Since when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// A span such as `90s`, `30m`, `1h` or `2d`, or a time in RFC 3339; the whole day counts. 30 days when it is left out.
    #[param(value_type = Moment, inline, required = false)]
    since: Option<String>,
}

/// What is to be compared: so many invocations of so many MB and ms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Usage {
    /// How many invocations.
    #[param(default = 1_000_000)]
    invocations: u64,
    /// MB.
    #[param(default = 256)]
    memory: u64,
    /// ms.
    #[param(default = 100)]
    duration: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            invocations: 1_000_000,
            memory: 256,
            duration: 100,
        }
    }
}

/// Costs in USD, and what they are for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Costs {
    invocations: u64,
    /// Billed time, in ms.
    billed_ms: u64,
    /// Memory limit times billed time, in MB ms.
    mb_ms: u64,
    /// The same, in GB-seconds.
    gb_seconds: f64,
    /// For the number of invocations, in USD.
    request_cost: f64,
    /// For memory and time, in USD.
    compute_cost: f64,
    /// Both, in USD.
    cost: f64,
}

/// What one day cost.
#[derive(Debug, Serialize, ToSchema)]
struct Day {
    /// The day in UTC.
    #[schema(format = Date)]
    day: String,
    #[serde(flatten)]
    costs: Costs,
}

/// What a stretch of days cost.
#[derive(Debug, Serialize, ToSchema)]
struct Bill {
    #[serde(flatten)]
    costs: Costs,
    /// `USD`.
    currency: &'static str,
    /// The same as `cost`.
    total: f64,
    /// Days with invocations, from the oldest up.
    days: Vec<Day>,
}

/// What a function cost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FunctionBill {
    function_id: String,
    /// The function's name.
    function: String,
    #[serde(flatten)]
    bill: Bill,
}

/// What all functions cost, together and each.
#[derive(Debug, Serialize, ToSchema)]
struct PlatformBill {
    #[serde(flatten)]
    bill: Bill,
    functions: Vec<FunctionBill>,
}

/// What the same would cost on other platforms.
#[derive(Debug, Serialize, ToSchema)]
struct Comparison {
    invocations: u64,
    /// MB.
    memory: u64,
    /// ms.
    duration: u64,
    /// `USD`.
    currency: &'static str,
    providers: Vec<ProviderCost>,
}

/// What it would cost on one platform.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderCost {
    provider: &'static str,
    /// USD, in whole cents.
    cost: f64,
}

/// Show what a function cost
#[utoipa::path(
    get, path = "/functions/{key}/cost", tag = "costs", operation_id = "showFunctionCost",
    params(Since), responses((status = 200, body = FunctionBill))
)]
pub(super) async fn of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(asked)): Checked<Query<Since>>,
) -> Failable {
    let function = find(&platform, key)?;
    let body = bill_of(&platform, &function, &asked).await?;
    Ok(Json(body).into_response())
}

/// Show what all functions cost, together and each
#[utoipa::path(
    get, path = "/cost", tag = "costs", operation_id = "showCost",
    params(Since), responses((status = 200, body = PlatformBill))
)]
pub(super) async fn of_platform(
    State(platform): State<Arc<Platform>>,
    Checked(Query(asked)): Checked<Query<Since>>,
) -> Failable {
    let bill = bill(&platform, None, &asked).await?;
    let mut functions = Vec::new();
    for function in platform.registry().list() {
        functions.push(bill_of(&platform, &function, &asked).await?);
    }
    Ok(Json(PlatformBill { bill, functions }).into_response())
}

/// Compare with what invocations cost elsewhere
#[utoipa::path(
    get, path = "/cost/comparison", tag = "costs", operation_id = "compareCost",
    params(Usage), responses((status = 200, body = Comparison))
)]
pub(super) async fn comparison(Checked(Query(usage)): Checked<Query<Usage>>) -> Failable {
    let product = usage.memory.checked_mul(usage.duration);
    let mb_ms = product.and_then(|product| product.checked_mul(usage.invocations));
    let too_much =
        || RequestError::malformed("/query/invocations", "that is more than can be counted");
    let billed = Billed {
        invocations: usage.invocations,
        mb_ms: mb_ms.ok_or_else(too_much)?,
    };
    let providers = PROVIDERS.map(|provider| ProviderCost {
        provider: provider.name,
        cost: provider.cents(billed),
    });
    let body = Comparison {
        invocations: usage.invocations,
        memory: usage.memory,
        duration: usage.duration,
        currency: CURRENCY,
        providers: providers.into(),
    };
    Ok(Json(body).into_response())
}

async fn bill_of(
    platform: &Platform,
    function: &Function,
    asked: &Since,
) -> Result<FunctionBill, RequestError> {
    Ok(FunctionBill {
        function_id: function.id().to_owned(),
        function: function.name().to_owned(),
        bill: bill(platform, Some(function.id()), asked).await?,
    })
}

async fn bill(platform: &Platform, id: Option<&str>, asked: &Since) -> Result<Bill, RequestError> {
    let since = asked.since.as_deref().unwrap_or("30d");
    let from = time::moment("since", since, unix_ns())? / NS_PER_MS;
    let days = platform
        .telemetry()
        .days(id, from - from.rem_euclid(DAY_MS))
        .await?;
    let mut all = Figures::default();
    days.iter().for_each(|day| all.merge(&day.figures));
    let costs = Costs::from(&all);
    let days = days.iter().map(|day| Day {
        day: time::day(day.start_unix_ms),
        costs: (&day.figures).into(),
    });
    Ok(Bill {
        currency: CURRENCY,
        total: costs.cost,
        costs,
        days: days.collect(),
    })
}

impl From<&Figures> for Costs {
    fn from(figures: &Figures) -> Self {
        let billed = figures.billed();
        let cost = billed.cost();
        Self {
            invocations: billed.invocations,
            billed_ms: figures.billed_ms,
            mb_ms: billed.mb_ms,
            gb_seconds: rounded(billed.gb_seconds(), 6),
            request_cost: rounded(cost.requests, 9),
            compute_cost: rounded(cost.compute, 9),
            cost: rounded(cost.total(), 9),
        }
    }
}
