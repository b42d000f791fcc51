//! Applications of real frameworks, from their registries, that know nothing of the platform: each answers as it would
//! on a server of its own. Ruby's come from Debian, and their test is left out where they are not installed.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::Language;
use crate::platform::{Platform, unique_name};
use crate::raw;

const FASTAPI: &str = r#"
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

done = []

@asynccontextmanager
async def lifespan(app):
    app.state.greeting = "hello"
    yield

app = FastAPI(lifespan=lifespan)

class Item(BaseModel):
    name: str
    price: float

@app.get("/shop/hello")
def hello(name: str, request: Request):
    return f"{request.app.state.greeting} {name}"

@app.post("/shop/items", status_code=201)
async def create(item: Item, response: Response, tasks: BackgroundTasks):
    response.set_cookie("seen", "1")
    response.set_cookie("last", item.name)
    tasks.add_task(done.append, item.name)
    return {"name": item.name, "double": item.price * 2}

@app.get("/shop/stream")
async def stream():
    async def pieces():
        for number in range(3):
            yield f"piece {number}\n"
        yield "\n".join(done)
    return StreamingResponse(pieces(), media_type="text/plain")
"#;

const FLASK: &str = r#"
from flask import Flask, jsonify, request

app = Flask(__name__)

@app.get("/shop/hello")
def hello():
    return f"hello {request.args['name']}"

@app.post("/shop/items")
def create():
    item = request.get_json()
    answer = jsonify(name=item["name"], double=item["price"] * 2)
    answer.status_code = 201
    answer.set_cookie("seen", "1")
    answer.set_cookie("last", item["name"])
    return answer

@app.get("/shop/stream")
def stream():
    return (f"piece {number}\n" for number in range(3)), {"content-type": "text/plain"}
"#;

const DJANGO: &str = r#"
import json
import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="of-a-test", DEBUG=False)

def hello(request):
    return HttpResponse(f"hello {request.GET['name']}")

def create(request):
    item = json.loads(request.body)
    answer = JsonResponse({"name": item["name"], "double": item["price"] * 2}, status=201)
    answer.set_cookie("seen", "1")
    answer.set_cookie("last", item["name"])
    return answer

def stream(request):
    return StreamingHttpResponse((f"piece {number}\n" for number in range(3)), content_type="text/plain")

urlpatterns = [path("shop/hello", hello), path("shop/items", create), path("shop/stream", stream)]
app = get_wsgi_application()
"#;

const HONO: &str = r"
import { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import { streamText } from 'hono/streaming';

const app = new Hono();
app.get('/shop/hello', (c) => c.text(`hello ${c.req.query('name')}`));
app.post('/shop/items', async (c) => {
  const { name, price } = await c.req.json();
  setCookie(c, 'seen', '1');
  setCookie(c, 'last', name);
  return c.json({ name, double: price * 2 }, 201);
});
app.get('/shop/stream', (c) => streamText(c, async (stream) => {
  for (let number = 0; number < 3; number++) await stream.writeln(`piece ${number}`);
}));
export default app;
";

const SINATRA: &str = r#"
require "sinatra/base"
require "json"

class App < Sinatra::Base
  set :environment, :production
  disable :protection

  get("/shop/hello") { "hello #{params["name"]}" }

  post "/shop/items" do
    item = JSON.parse(request.body.read)
    status 201
    content_type :json
    response.set_cookie("seen", "1")
    response.set_cookie("last", item["name"])
    { name: item["name"], double: item["price"] * 2 }.to_json
  end

  get "/shop/stream" do
    content_type "text/plain"
    stream { |out| 3.times { |number| out << "piece #{number}\n" } }
  end
end
"#;

/// How many requests an application serves at once.
const SEVERAL: usize = 8;

/// A platform with an application under `/shop/`, which answers what every application here does.
#[track_caller]
fn serving(language: Language, files: &Value, handler: &str) -> Platform {
    let platform = Platform::start(&[]);
    let settings = json!({
        "files": files,
        "handler": handler,
        "timeout": 20_000,
        "memory": 256,
        "triggers": [{"type": "http", "config": {"path": "/shop/*", "methods": ["GET", "POST"]}}],
    });
    let name = unique_name();
    platform
        .try_deploy(&name, language.name(), &settings)
        .expect(201);
    check(&platform);
    serve_several(&platform, &name);
    platform
}

/// The same with several requests at once in one process.
#[track_caller]
fn serve_several(platform: &Platform, name: &str) {
    let path = format!("/functions/{name}");
    let several = json!({"concurrency": SEVERAL, "scaling": {"maxInstances": 1}});
    platform.put(&path, &several).expect(200);
    std::thread::scope(|scope| {
        for _ in 0..SEVERAL {
            scope.spawn(|| (0..4).for_each(|_| check(platform)));
        }
    });
}

#[track_caller]
fn get(platform: &Platform, path: &str) -> Answer {
    raw::get(platform, "shop.test", path, &[])
}

#[track_caller]
fn check(platform: &Platform) {
    let answer = get(platform, "/shop/hello?name=Zo%C3%AB").expect(200);
    assert!(answer.text().contains("hello Zoë"), "{}", answer.text());
    let item = json!({"name": "tea", "price": 2.5}).to_string();
    let headers = [("content-type", "application/json")];
    let answer = raw::request(
        platform,
        "POST",
        "shop.test",
        "/shop/items",
        &headers,
        item.as_bytes(),
    )
    .expect(201);
    let created = answer.json();
    assert_eq!(
        (&created["name"], created["double"].as_f64()),
        (&json!("tea"), Some(5.0))
    );
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let answer = get(platform, "/shop/stream").expect(200);
    let pieces = "piece 0\npiece 1\npiece 2\n";
    assert!(answer.text().starts_with(pieces), "{}", answer.text());
    get(platform, "/shop/nothing").expect(404);
}

#[test]
fn fastapi_answers_as_on_a_server() {
    let files = json!({"main.py": FASTAPI, "requirements.txt": "fastapi==0.115.6\n"});
    let platform = serving(Language::Python, &files, "main.app");
    let invalid =
        raw::request(&platform, "POST", "shop.test", "/shop/items", &[], b"{}").expect(422);
    assert_eq!(invalid.json()["detail"][0]["type"], "missing");
    // What was left to be done in the background was done before the instance slept.
    let done = get(&platform, "/shop/stream").expect(200).text();
    assert!(done.ends_with("tea"), "{done}");
}

#[test]
fn flask_answers_as_on_a_server() {
    let files = json!({"main.py": FLASK, "requirements.txt": "flask==3.1.0\n"});
    serving(Language::Python, &files, "main.app");
}

#[test]
fn django_answers_as_on_a_server() {
    let files = json!({"main.py": DJANGO, "requirements.txt": "django==5.1.4\n"});
    serving(Language::Python, &files, "main.app");
}

#[test]
fn hono_answers_as_on_a_server() {
    let package = json!({"type": "module", "dependencies": {"hono": "4.6.14"}}).to_string();
    let files = json!({"index.js": HONO, "package.json": package});
    serving(Language::TypeScript, &files, "index.default");
}

#[test]
fn sinatra_answers_as_on_a_server() {
    let files = json!({"app.rb": SINATRA});
    serving(Language::Ruby, &files, "app.App");
}
