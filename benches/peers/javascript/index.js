// NODE_PATH leads to the installed functions-framework. With BUNDLE set, loads that bundle: the heavy-import case.
if (process.env.BUNDLE) require(process.env.BUNDLE);

require("@google-cloud/functions-framework").http("hello", (request, response) => response.send("hello\n"));
