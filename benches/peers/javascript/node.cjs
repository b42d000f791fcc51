// With BUNDLE set, loads that CommonJS bundle before it listens: the heavy-import case.
if (process.env.BUNDLE) require(process.env.BUNDLE);

require("node:http")
  .createServer((request, response) => response.end("hello\n"))
  .listen(Number(process.env.PORT), "127.0.0.1");
