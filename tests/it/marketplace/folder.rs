//! An operator's folder of templates, whole and broken.

use serde_json::json;

use crate::cli::Shell;
use crate::platform::Platform;

/// A folder of templates that tests may change.
struct Folder(tempfile::TempDir);

impl Folder {
    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn platform(&self) -> Platform {
        let path = self.0.path().to_str().expect("text");
        Platform::start(&[("ZYGO_MARKETPLACE_DIR", path)])
    }
}

const TOKEN: &str = "name = 'Token'\ndescription = 'd'\ncategory = 'c'\n\
    [settings]\nmemory = 64\nhandler = 'main.run'\nnetwork = 'none'\n\
    [[parameters]]\nname = 'TOKEN'\ndescription = 'the token'\nsecret = true\n";

#[test]
fn an_operators_templates_stand_beside_the_built_in_ones() {
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    let platform = folder.platform();
    assert_eq!(
        platform.get("/marketplace/token").problem(404),
        "template_not_found"
    );
    folder.write("token/template.toml", TOKEN);
    folder.write(
        "token/ruby/main.rb",
        "def run(event, context) = ENV['TOKEN'].size",
    );
    let order = |parameters| {
        let order = json!({"templateId": "token", "name": "t", "parameters": parameters});
        platform.post("/marketplace/deploy", &order)
    };
    let refused = order(json!({}));
    assert_eq!(refused.problem(422), "invalid_function");
    assert_eq!(refused.json()["pointer"], "/parameters/TOKEN");
    let made = order(json!({"TOKEN": "four"})).expect(201).json();
    assert_eq!(made["function"]["memory"], 64);
    assert_eq!(made["function"]["network"], "none");
    assert_eq!(made["function"]["secrets"], json!(["TOKEN"]));
    assert_eq!(platform.invoke("t", &json!({})).handler_body(), 4);
    let found = platform.get("/marketplace?q=token").expect(200).json();
    assert_eq!(found["templates"][0]["source"], "folder");
    let shell = Shell::new(&platform);
    assert!(
        shell
            .ok(&["marketplace", "show", "token"])
            .contains("the token")
    );
    shell.ok(&[
        "marketplace",
        "deploy",
        "token",
        "-f",
        "t2",
        "--set",
        "TOKEN=12345",
        "--network",
        "all",
    ]);
    assert_eq!(platform.show("t2")["network"], "all");
    // What stands in the folder now is what there is now.
    folder.write("token/ruby/main.rb", "def run(event, context) = 'another'");
    shell.ok(&[
        "marketplace",
        "install",
        "token",
        "-f",
        "t3",
        "--set",
        "TOKEN=1",
    ]);
    assert_eq!(platform.invoke("t3", &json!({})).handler_body(), "another");
}

#[test]
fn a_bad_template_is_told_and_stops_nobody() {
    let folder = Folder(tempfile::tempdir().expect("a folder"));
    folder.write("token/template.toml", TOKEN);
    folder.write("token/ruby/main.rb", "def run(event, context) = 1");
    folder.write(
        "broken/template.toml",
        "name = 'B'\ndescription = 'd'\ncategory = 'c'\n[settings]\nmemory = 'much'\n",
    );
    folder.write("broken/ruby/main.rb", "");
    folder.write("mp-hello-world/template.toml", TOKEN);
    folder.write(
        "mp-hello-world/ruby/main.rb",
        "def run(event, context) = 'not the built-in one'",
    );
    let platform = folder.platform();
    let list = platform.get("/marketplace").expect(200).json();
    let problems = &list["problems"];
    assert_eq!(problems[0]["file"], "broken/template.toml", "{list}");
    assert_eq!(problems[0]["field"], "settings.memory", "{list}");
    assert_eq!(problems[1]["file"], "mp-hello-world", "{list}");
    assert_eq!(list["total"], 7);
    assert_eq!(
        platform.get("/marketplace/broken").problem(404),
        "template_not_found"
    );
    let order = json!({"templateId": "mp-hello-world", "name": "h", "runtime": "ruby"});
    platform.post("/marketplace/deploy", &order).expect(201);
    let body = platform.invoke("h", &json!({})).handler_body();
    assert_eq!(body["message"], "Hello, World!");
    let output = Shell::new(&platform).run(&["marketplace", "search", "token"], "");
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("broken/template.toml (settings.memory): line 5"),
        "{said}"
    );
    folder.write(
        "broken/template.toml",
        "name = 'B'\ndescription = 'd'\ncategory = 'c'\n",
    );
    let list = platform.get("/marketplace?q=broken").expect(200).json();
    assert_eq!(list["total"], 1, "{list}");
}
