// `console` over one op. Levels are those of the wire: 0 debug, 1 info, 2 warn, 3 error.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_zygo_log } = core.ops;
const { Console, setNoColorFns } = core.loadExtScript("ext:deno_web/01_console.js");

setNoColorFns(() => true, () => true);

// The engine counts debug 0, log and info 1, warn 2, error 3, as the wire does.
const console = new Console((text, level) => op_zygo_log(level, text));

return { console };
})();
