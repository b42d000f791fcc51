// `console` over one op. Levels are those of the wire: 0 debug, 1 info, 2 warn, 3 error.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_zygo_log, op_zygo_log_several } = core.ops;
const { Console, setNoColorFns } = core.loadExtScript("ext:deno_web/01_console.js");

setNoColorFns(() => true, () => true);

// Where several invocations run at once, each line is that of the async context.
let write = op_zygo_log;

function serveSeveral() {
  write = op_zygo_log_several;
}

// The engine counts debug 0, log and info 1, warn 2, error 3, as the wire does.
const console = new Console((text, level) => write(level, text));

return { console, serveSeveral, write: (level, text) => write(level, text) };
})();
