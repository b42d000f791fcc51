//! The zygotes of functions, and the memory that each holds: of its own, and shared with those that it was forked from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::Failable;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;

/// All zygotes of functions.
#[derive(Debug, Serialize, ToSchema)]
struct ZygoteList {
    /// Of versions that serve, by the functions' names.
    zygotes: Vec<ZygoteView>,
}

/// The zygote of a function's version that serves.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Zygote)]
struct ZygoteView {
    function_id: String,
    /// The function's name.
    function: String,
    /// The number of the version.
    version: u32,
    pid: i32,
    /// How long it took to load the code, in ms.
    boot_ms: f64,
    /// What keeps the loaded code from being forked; empty where nothing does.
    unforkable: Vec<String>,
    /// Its memory; absent when the process has just ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
}

/// The memory of a process, in bytes.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
struct Memory {
    /// All that is in memory, shared pages too.
    resident: u64,
    /// The same, where a page that n processes share counts as 1/n.
    proportional: u64,
    /// Pages that no other process has.
    private: u64,
}

/// List the zygotes of functions
///
/// With the memory that each holds now.
#[utoipa::path(
    get, path = "/zygotes", tag = "platform", operation_id = "listZygotes",
    responses((status = 200, body = ZygoteList))
)]
pub(super) async fn list(State(platform): State<Arc<Platform>>) -> Failable {
    let mut zygotes: Vec<ZygoteView> = platform
        .registry()
        .list()
        .into_iter()
        .filter_map(|function| {
            let version = function.current();
            let zygote = version.pool().zygote().present()?;
            Some(ZygoteView {
                function_id: function.id().to_owned(),
                function: function.name().to_owned(),
                version: version.number(),
                pid: zygote.pid()?,
                boot_ms: zygote.boot_duration().as_secs_f64() * 1e3,
                unforkable: zygote.culprits().to_vec(),
                memory: None,
            })
        })
        .collect();
    // The kernel walks all pages of a process for it: no work for a thread that serves.
    let measure = move || {
        for zygote in &mut zygotes {
            let path = format!("/proc/{}/smaps_rollup", zygote.pid);
            zygote.memory = std::fs::read_to_string(path)
                .ok()
                .and_then(|text| memory(&text));
        }
        zygotes
    };
    let measured = tokio::task::spawn_blocking(measure).await;
    let zygotes = measured.map_err(|error| RequestError::CutOff(std::io::Error::other(error)))?;
    Ok(Json(ZygoteList { zygotes }).into_response())
}

/// Reads what the kernel says in kB.
fn memory(text: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.split_whitespace().next()?;
        Some(number.parse::<u64>().ok()? * 1024)
    };
    Some(Memory {
        resident: field("Rss:")?,
        proportional: field("Pss:")?,
        private: field("Private_Clean:")? + field("Private_Dirty:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let text = "5581-7ffc ---p 00000000 00:00 0    [rollup]\nRss:   3000 kB\nPss:   1200 kB\nPss_Dirty:  7 kB\n\
             Private_Clean:  100 kB\nPrivate_Dirty:  50 kB\n";
        let wanted = Memory {
            resident: 3000 * 1024,
            proportional: 1200 * 1024,
            private: 150 * 1024,
        };
        assert_eq!(memory(text), Some(wanted));
        assert_eq!(memory("Rss: many kB\n"), None);
        let own = std::fs::read_to_string("/proc/self/smaps_rollup").expect("a kernel since 4.14");
        let own = memory(&own).expect("all fields");
        assert!(own.private <= own.resident && own.proportional <= own.resident);
    }
}
