//! Limits that hold for all nodes together.

use serde_json::json;

use super::{kill, three, wait_for_function, wait_for_live};
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::versions::saying;

const LIMIT: usize = 30;

fn passed(node: &Platform, function: &str) -> usize {
    let invoke = |_: &usize| node.invoke(function, &json!({})).status == 200;
    (0..LIMIT + 5).filter(invoke).count()
}

#[test]
fn all_nodes_together_give_out_what_a_function_s_limit_allows() {
    let (_shared, mut nodes) = three(&[]);
    for node in &nodes {
        wait_for_live(node, 3);
    }
    in_every_language(|language| {
        let limit = json!({"maxRequests": LIMIT, "windowMs": 3_600_000});
        let function = nodes[0].deploy(
            language,
            &saying(language, "x"),
            &json!({"rateLimit": limit}),
        );
        wait_for_function(&nodes, &function);
        let all: usize = nodes.iter().map(|node| passed(node, &function)).sum();
        assert_eq!(all, LIMIT);
    });
    kill(&mut nodes[2]);
    wait_for_live(&nodes[0], 2);
}
