//! Packages of every shape, from the registries and from the bundle itself.

use std::process::Command;

use serde_json::{Value, json};

use crate::dependencies::deploy;
use crate::language::Language;
use crate::pack::base64_of;
use crate::platform::Platform;

#[track_caller]
fn check(platform: &Platform, language: Language, files: &Value, expected: &Value) {
    let (function, answer) = deploy(platform, language, files);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let said = platform.invoke(&function, &json!({})).handler_body();
    assert_eq!(said, *expected);
}

/// Dependencies of several shapes: CommonJS, modules alone, both by conditions, with a scope, with paths in `exports`, and
/// with dependencies of their own.
fn package_json(kind: &str) -> String {
    let dependencies = json!({
        "ms": "2.1.3", "escape-string-regexp": "5.0.0", "nanoid": "3.3.8", "@noble/hashes": "1.4.0",
        "color": "4.2.3", "mime-db": "1.52.0",
    });
    json!({"type": kind, "dependencies": dependencies}).to_string()
}

/// Of "abc".
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

#[test]
fn modules_import_packages_of_every_shape() {
    let code = "import ms from 'ms';
import escape from 'escape-string-regexp';
import { customAlphabet } from 'nanoid/non-secure';
import { sha256 } from '@noble/hashes/sha256';
import { bytesToHex } from '@noble/hashes/utils';
import Color from 'color';
import types from 'mime-db/db.json' with { type: 'json' };
export const handler = async () => [
  ms('1s'), escape('a.b'), customAlphabet('a', 3)(), bytesToHex(sha256('abc')), Color('red').hex(),
  types['text/html'].charset ?? types['text/html'].source, (await import('ms')).default('2s'),
];
";
    let files = json!({"index.js": code, "package.json": package_json("module")});
    let expected = json!([1000, "a\\.b", "aaa", SHA256, "#FF0000", "iana", 2000]);
    check(&Platform::shared(), Language::TypeScript, &files, &expected);
}

#[test]
fn commonjs_requires_packages_of_every_shape() {
    let code = "const ms = require('ms');
const { customAlphabet } = require('nanoid/non-secure');
const { sha256 } = require('@noble/hashes/sha256');
const { bytesToHex } = require('@noble/hashes/utils');
const Color = require('color');
const types = require('mime-db');
const again = require('mime-db/db.json');
exports.handler = async () => [
  ms('1s'), customAlphabet('a', 3)(), bytesToHex(sha256('abc')), Color('red').hex(), types['text/html'].source, again === types,
];
";
    let files = json!({"index.js": code, "package.json": package_json("commonjs")});
    let expected = json!([1000, "aaa", SHA256, "#FF0000", "iana", true]);
    check(&Platform::shared(), Language::TypeScript, &files, &expected);
}

/// A package of the bundle's own, both a module and CommonJS, which says which of them was taken.
fn own_package(word: &str) -> Vec<(&'static str, String)> {
    let exports = json!({
        ".": {"import": "./m.mjs", "require": "./c.cjs"},
        "./features/*": {"import": "./f/*.mjs", "require": "./f/*.cjs"},
        "./closed/*": null,
        "./data": "./data.json",
    });
    vec![
        (
            "own/package.json",
            json!({"name": "own", "version": "1.0.0", "exports": exports}).to_string(),
        ),
        (
            "own/m.mjs",
            format!("export const which = 'module {word}';"),
        ),
        ("own/c.cjs", format!("exports.which = 'commonjs {word}';")),
        (
            "own/f/a.mjs",
            "export default 'feature of the module';".to_owned(),
        ),
        (
            "own/f/a.cjs",
            "module.exports = 'feature of commonjs';".to_owned(),
        ),
        ("own/hidden.js", "module.exports = 'hidden';".to_owned()),
        ("own/data.json", "{\"data\": true}".to_owned()),
        (
            "package.json",
            "{\"dependencies\": {\"own\": \"file:own\"}}".to_owned(),
        ),
    ]
}

fn with(package: Vec<(&'static str, String)>, file: &str, code: &str) -> Value {
    let mut files = json!({file: code});
    for (path, content) in package {
        files[path] = content.into();
    }
    files
}

#[test]
fn a_dual_package_is_what_it_is_asked_for_as() {
    let platform = Platform::shared();
    let module = "import { which } from 'own';
import feature from 'own/features/a';
import data from 'own/data' with { type: 'json' };
const hidden = await import('own/hidden.js').then(() => 'open', () => 'closed');
export const handler = () => [which, feature, data.data, hidden];
";
    let commonjs = "const { which } = require('own');
let hidden = 'open';
try { require('own/hidden.js'); } catch { hidden = 'closed'; }
exports.handler = () => [which, require('own/features/a'), require('own/data').data, hidden];
";
    for word in ["one", "two"] {
        let files = with(own_package(word), "index.mjs", module);
        let expected = json!([
            format!("module {word}"),
            "feature of the module",
            true,
            "closed"
        ]);
        check(&platform, Language::TypeScript, &files, &expected);
        let files = with(own_package(word), "index.cjs", commonjs);
        let expected = json!([
            format!("commonjs {word}"),
            "feature of commonjs",
            true,
            "closed"
        ]);
        check(&platform, Language::TypeScript, &files, &expected);
    }
}

#[test]
fn python_packages_with_compiled_parts_and_other_files_of_requirements() {
    let files = json!({
        "index.py": "import msgpack, six\ndef handler(event, context):\n    packed = msgpack.packb({'a': [1, 2]})\n    return [msgpack.unpackb(packed), type(msgpack.Packer).__module__, msgpack.Packer.__module__, six.__version__]\n",
        "requirements.txt": "-r more/requirements.txt\nsix==1.16.0\n",
        "more/requirements.txt": "msgpack==1.0.8\n",
    });
    let expected = json!([{"a": [1, 2]}, "builtins", "msgpack._cmsgpack", "1.16.0"]);
    check(&Platform::shared(), Language::Python, &files, &expected);
}

#[test]
fn gems_of_the_bundle_itself_are_found_and_follow_their_files() {
    let platform = Platform::shared();
    for word in ["hello", "good day"] {
        let files = json!({
            "index.rb": "require 'greeting'\ndef handler(event, context) = Greeting.new.word",
            "Gemfile": "source 'http://127.0.0.1:1/'\ngem 'greeting', path: 'gems/greeting'\ngem 'rexml'\n",
            "gems/greeting/greeting.gemspec": "Gem::Specification.new { |gem| gem.name = 'greeting'; gem.version = '1.0'; gem.summary = 'x'; gem.authors = ['x'] }",
            "gems/greeting/lib/greeting.rb": format!("require 'rexml/document'\nclass Greeting\n  def word = REXML::Document.new('<a>{word}</a>').root.text\nend"),
        });
        check(&platform, Language::Ruby, &files, &json!(word));
    }
}

/// A gem as `bundle cache` puts it into `vendor/cache`.
fn built_gem() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let specification = "Gem::Specification.new { |gem| gem.name = 'cached'; gem.version = '1.0'; gem.summary = 'x'; gem.authors = ['x']; gem.files = ['lib/cached.rb'] }";
    std::fs::create_dir(folder.path().join("lib")).expect("a folder");
    std::fs::write(folder.path().join("cached.gemspec"), specification).expect("a file");
    std::fs::write(folder.path().join("lib/cached.rb"), "CACHED = 'installed'").expect("a file");
    let mut gem = Command::new("gem");
    let output = gem
        .args(["build", "cached.gemspec"])
        .current_dir(&folder)
        .output();
    assert!(output.expect("gem is there with ruby").status.success());
    std::fs::read(folder.path().join("cached-1.0.gem")).expect("a gem")
}

#[test]
fn gems_that_the_bundle_brings_along_are_installed() {
    let files = json!({
        "index.rb": "require 'cached'\ndef handler(event, context) = [CACHED, Gem.loaded_specs['cached'].full_gem_path.include?('ruby_modules')]",
        "Gemfile": "source 'http://127.0.0.1:1/'\ngem 'cached', '~> 1.0'\n",
        "vendor/cache/cached-1.0.gem": {"base64": base64_of(&built_gem())},
    });
    check(
        &Platform::shared(),
        Language::Ruby,
        &files,
        &json!(["installed", true]),
    );
}
