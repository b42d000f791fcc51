// Sockets, for `import ... from "zygo:net"`: the engine's own `connect`, `connectTls` and `startTls`, whose names elsewhere begin with
// `Deno.`. There is no global of that name: libraries that see one take for granted all that it has there. Loaded by the
// first who imports it.
"use strict";

(function () {
const { core } = __bootstrap;
const { errors } = core.loadExtScript("ext:zygo/exceptions.js");
const { networked } = core.loadExtScript("ext:zygo/timers.js");
const { connect } = core.loadExtScript("ext:deno_net/01_net.js");
const { connectTls, startTls } = core.loadExtScript("ext:deno_net/tls.js");

// Of the transports there is only TCP.
const overTcp = (start) => async (options) => {
  const { transport = "tcp" } = options;
  if (transport !== "tcp") throw new TypeError(`the only transport is "tcp", not "${transport}"`);
  return start(options);
};

return Object.freeze({
  connect: networked("connect", overTcp(connect)),
  connectTls: networked("connectTls", overTcp(connectTls)),
  errors: Object.freeze(errors),
  startTls,
});
})();
