//! The functions that are deployed to be measured: trivial ones and ones with heavy imports, in each language.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::cli::Language;

/// How much a function loads before it can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Nothing.
    Trivial,
    /// numpy and pandas; a bundle of 2 MB; sinatra.
    Heavy,
    /// Nothing, but the answer takes [`WAITS_MS`] without using the processor: concurrent invocations overlap for sure.
    Waiting,
    /// Nothing, but it writes as many lines, or computes as long, as the invocation says.
    Writing,
    /// Nothing, but it answers in as many pieces as the invocation says.
    Streaming,
}

/// How long a waiting function waits.
pub(crate) const WAITS_MS: u32 = 100;

impl Weight {
    /// The name that the record uses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trivial => "trivial",
            Self::Heavy => "heavy",
            Self::Waiting => "waiting",
            Self::Writing => "writing",
            Self::Streaming => "streaming",
        }
    }
}

/// A function and how its instances live.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) language: Language,
    pub(crate) weight: Weight,
    /// `instance` or `request`.
    pub(crate) isolation: &'static str,
    pub(crate) min_instances: u32,
    pub(crate) max_instances: u32,
    pub(crate) parked: u32,
}

impl Function {
    /// Every invocation gets a fresh process, `parked` of them forked ahead.
    pub(crate) fn fresh(language: Language, weight: Weight, parked: u32) -> Self {
        Self {
            language,
            weight,
            isolation: "request",
            min_instances: 0,
            max_instances: 128,
            parked,
        }
    }

    /// Instances serve one invocation after the other; `instances` of them stay.
    pub(crate) fn warm(language: Language, weight: Weight, instances: u32) -> Self {
        Self {
            language,
            weight,
            isolation: "instance",
            min_instances: instances,
            max_instances: instances,
            parked: 0,
        }
    }

    /// The body of the deploy request. Code of different names is different, so nothing of another deploy can be used.
    pub(crate) fn body(&self, name: &str) -> Value {
        json!({
            "name": name,
            "runtime": self.language.name(),
            "code": self.code(name),
            "handler": "handler",
            "memory": 256,
            "timeout": 10_000,
            "isolation": self.isolation,
            "scaling": {
                "minInstances": self.min_instances,
                "maxInstances": self.max_instances,
                "parked": self.parked,
            },
        })
    }

    fn code(&self, name: &str) -> String {
        let handler = match (self.language, self.weight) {
            (Language::Javascript, Weight::Trivial) => JAVASCRIPT.to_owned(),
            (Language::Javascript, Weight::Heavy) => bundle() + JAVASCRIPT_HEAVY,
            (Language::Python, Weight::Trivial) => PYTHON.to_owned(),
            (Language::Python, Weight::Heavy) => PYTHON_HEAVY.to_owned(),
            (Language::Ruby, Weight::Trivial) => RUBY.to_owned(),
            (Language::Ruby, Weight::Heavy) => RUBY_HEAVY.to_owned(),
            (Language::Javascript, Weight::Writing) => JAVASCRIPT_WRITING.to_owned(),
            (Language::Python, Weight::Writing) => PYTHON_WRITING.to_owned(),
            (Language::Ruby, Weight::Writing) => RUBY_WRITING.to_owned(),
            (Language::Javascript, Weight::Streaming) => JAVASCRIPT_STREAMING.to_owned(),
            (Language::Python, Weight::Streaming) => PYTHON_STREAMING.to_owned(),
            (Language::Ruby, Weight::Streaming) => RUBY_STREAMING.to_owned(),
            (Language::Javascript, Weight::Waiting) => {
                JAVASCRIPT_WAITING.replace("WAITS", &WAITS_MS.to_string())
            }
            (Language::Python, Weight::Waiting) => {
                PYTHON_WAITING.replace("WAITS", &WAITS_MS.to_string())
            }
            (Language::Ruby, Weight::Waiting) => {
                RUBY_WAITING.replace("WAITS", &WAITS_MS.to_string())
            }
        };
        let comment = if self.language == Language::Javascript {
            "//"
        } else {
            "#"
        };
        format!("{comment} {name}\n{handler}")
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

/// What each line of a writing function begins with.
pub(crate) const LINE: &str = "line ";

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
