//! The code of functions that are deployed to be measured.

use std::fmt::Write;

use super::functions::{WAITS_MS, Weight};
use crate::cli::Language;

/// The handler of a language and a weight.
pub(super) fn handler(language: Language, weight: Weight) -> String {
    let of = |[javascript, python, ruby]: [&str; 3]| match language {
        Language::Javascript => javascript.to_owned(),
        Language::Python => python.to_owned(),
        Language::Ruby => ruby.to_owned(),
    };
    match weight {
        Weight::Trivial => of([JAVASCRIPT, PYTHON, RUBY]),
        Weight::Heavy if language == Language::Javascript => bundle() + JAVASCRIPT_HEAVY,
        Weight::Heavy => of(["", PYTHON_HEAVY, RUBY_HEAVY]),
        Weight::Writing => of([JAVASCRIPT_WRITING, PYTHON_WRITING, RUBY_WRITING]),
        Weight::Streaming => of([JAVASCRIPT_STREAMING, PYTHON_STREAMING, RUBY_STREAMING]),
        Weight::Waiting => of([JAVASCRIPT_WAITING, PYTHON_WAITING, RUBY_WAITING])
            .replace("WAITS", &WAITS_MS.to_string()),
        Weight::Ballast(megabytes) => of([JAVASCRIPT_BALLAST, PYTHON_BALLAST, RUBY_BALLAST])
            .replace("MEGABYTES", &megabytes.to_string()),
    }
}

const JAVASCRIPT: &str = r#"export const handler = async (event, context) => ({ statusCode: 200, body: "hello\n" });
"#;

const JAVASCRIPT_HEAVY: &str = r#"export const handler = async (event, context) => ({ statusCode: 200, body: String(registry.size) });
"#;

const PYTHON: &str = r#"def handler(event, context):
    return {"statusCode": 200, "body": "hello\n"}
"#;

/// NumPy and pandas set much up at the first use. A hook before the snapshot is where such things belong.
const PYTHON_HEAVY: &str = r#"import numpy
import pandas
import zygo

table = pandas.DataFrame({"value": numpy.arange(10)})


def handler(event, context):
    return {"statusCode": 200, "body": str(table["value"].sum())}


@zygo.before_snapshot
def prime():
    handler({}, None)
"#;

const RUBY: &str = r#"def handler(event, context)
  { statusCode: 200, body: "hello\n" }
end
"#;

/// Sinatra builds its middleware at the first call. A hook before the snapshot is where such things belong.
const RUBY_HEAVY: &str = r#"require "sinatra/base"
require "rack/mock"

class Hello < Sinatra::Base
  set :environment, :production
  get("/") { "hello\n" }
end

Zygo.before_snapshot { Hello.call(Rack::MockRequest.env_for("/")) }

def handler(event, context)
  status, _headers, body = Hello.call(Rack::MockRequest.env_for("/"))
  { statusCode: status, body: body.each.to_a.join }
end
"#;

const JAVASCRIPT_WAITING: &str = r#"export const handler = async (event, context) => {
  await new Promise((resolve) => setTimeout(resolve, WAITS));
  return { statusCode: 200, body: "hello\n" };
};
"#;

const PYTHON_WAITING: &str = r#"import time


def handler(event, context):
    time.sleep(WAITS / 1000)
    return {"statusCode": 200, "body": "hello\n"}
"#;

const RUBY_WAITING: &str = r#"def handler(event, context)
  sleep(WAITS / 1000.0)
  { statusCode: 200, body: "hello\n" }
end
"#;

const JAVASCRIPT_WRITING: &str = r#"export const handler = async (event) => {
  const { lines, turns } = event.body;
  for (let n = 0; n < lines; n++) console.log(`line ${n} of an invocation, which says as much as such lines do say`);
  let sum = 0;
  for (let n = 0; n < turns; n++) sum = (sum * 31 + n) % 65521;
  return { statusCode: 200, body: String(sum) };
};
"#;

const PYTHON_WRITING: &str = r#"def handler(event, context):
    lines, turns = event["body"]["lines"], event["body"]["turns"]
    for n in range(lines):
        print(f"line {n} of an invocation, which says as much as such lines do say")
    sum = 0
    for n in range(turns):
        sum = (sum * 31 + n) % 65521
    return {"statusCode": 200, "body": str(sum)}
"#;

const RUBY_WRITING: &str = r#"def handler(event, context)
  lines, turns = event["body"].values_at("lines", "turns")
  lines.times { |n| puts "line #{n} of an invocation, which says as much as such lines do say" }
  sum = 0
  turns.times { |n| sum = (sum * 31 + n) % 65521 }
  { statusCode: 200, body: sum.to_s }
end
"#;

const JAVASCRIPT_STREAMING: &str = r#"const piece = new Uint8Array(65536).fill(97);
export async function* handler(event) {
  for (let n = event.body.pieces ?? 1; n > 0; n--) yield piece;
}
"#;

const PYTHON_STREAMING: &str = r#"PIECE = b"a" * 65536


def handler(event, context):
    for _ in range(event["body"].get("pieces", 1)):
        yield PIECE
"#;

const RUBY_STREAMING: &str = r#"PIECE = ("a" * 65_536).freeze

def handler(event, context)
  Enumerator.new { |out| event["body"].fetch("pieces", 1).times { out << PIECE } }
end
"#;

const JAVASCRIPT_BALLAST: &str = r#"const ballast = new Uint8Array(MEGABYTES * 1048576).fill(1);
export const handler = async () => ({ statusCode: 200, body: String(ballast[ballast.length - 1]) });
"#;

const PYTHON_BALLAST: &str = r#"BALLAST = bytearray(b"\x01") * (MEGABYTES << 20)


def handler(event, context):
    return {"statusCode": 200, "body": str(BALLAST[-1])}
"#;

const RUBY_BALLAST: &str = r#"BALLAST = "\x01" * (MEGABYTES << 20)

def handler(event, context)
  { statusCode: 200, body: BALLAST.getbyte(-1).to_s }
end
"#;

const BUNDLE_LEN: usize = 2_000_000;

/// JavaScript of 2 MB as a bundler writes it: thousands of small modules with functions, classes and tables.
pub(crate) fn bundle() -> String {
    let mut text = String::with_capacity(BUNDLE_LEN + 2_000);
    text.push_str("const registry = new Map();\n");
    let mut index = 0;
    while text.len() < BUNDLE_LEN {
        module(&mut text, index);
        index += 1;
    }
    text
}

fn module(text: &mut String, index: usize) {
    let previous = index.saturating_sub(1);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#"registry.set("module{index}", (() => {{
  const table = {{ id: {index}, name: "module {index}", tags: ["alpha{index}", "beta{index}", "gamma{index}"], weight: {index} / 7 }};
  const limits = Object.freeze({{ low: {index}, high: {index} * 3 + 11, label: `limits of ${{table.name}}` }});
  class Node{index} {{
    constructor(value) {{ this.value = value; this.next = null; }}
    append(value) {{ this.next = new Node{index}(value); return this.next; }}
    get total() {{ return this.value + (this.next ? this.next.total : 0); }}
  }}
  function clamp(value) {{ return Math.min(limits.high, Math.max(limits.low, value)); }}
  function render(items) {{
    return items.map((item, at) => `${{at}}:${{table.name}}:${{clamp(item)}}`).filter((line) => line.length > 3).join(";");
  }}
  const previous = () => registry.get("module{previous}");
  return {{ table, limits, Node: Node{index}, clamp, render, previous }};
}})());
"#
    );
}
