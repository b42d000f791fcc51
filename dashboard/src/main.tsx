// Where the page begins.

import { render } from "preact";

import { App } from "./app";
import { applyColours } from "./lib/colours";

applyColours();
render(<App />, document.getElementById("app")!);
