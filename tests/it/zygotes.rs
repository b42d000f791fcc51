//! The list of zygotes, and what each holds.

use serde_json::{Value, json};

use crate::language::in_every_language;
use crate::platform::Platform;
use crate::versions::saying;

#[test]
fn each_zygote_is_listed_with_its_memory() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = platform.deploy(language, &saying(language, "one"), &json!({}));
        let pid = platform.zygote_pid(&function);
        let listed = platform.get("/zygotes").expect(200).json();
        let zygotes = listed["zygotes"].as_array().expect("zygotes");
        let ours: Vec<&Value> = zygotes
            .iter()
            .filter(|zygote| zygote["function"] == function.as_str())
            .collect();
        assert_eq!(ours.len(), 1, "{listed}");
        let (zygote, memory) = (ours[0], &ours[0]["memory"]);
        assert_eq!(
            (&zygote["pid"], &zygote["version"]),
            (&json!(pid), &json!(1))
        );
        assert_eq!(zygote["unforkable"], json!([]));
        let [resident, proportional, private] = ["resident", "proportional", "private"]
            .map(|name| memory[name].as_u64().expect("bytes"));
        assert!(
            0 < private && private <= proportional && proportional < resident,
            "{zygote}"
        );
    });
}
