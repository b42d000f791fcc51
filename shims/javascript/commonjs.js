// `require` for bundles written as CommonJS. Resolution and reading are Rust's; this keeps the modules.
"use strict";

(function () {
const { core } = __bootstrap;
const { op_zygo_commonjs_read, op_zygo_commonjs_resolve } = core.ops;

const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

const modules = new Map();

function requireFile(path) {
  const known = modules.get(path);
  if (known !== undefined) return known.exports;
  const module = { exports: {}, filename: path, id: path, loaded: false, children: [], paths: [] };
  modules.set(path, module);
  try {
    const text = op_zygo_commonjs_read(path);
    if (path.endsWith(".json")) module.exports = JSON.parse(text);
    else run(module, text);
  } catch (error) {
    modules.delete(path);
    throw error;
  }
  module.loaded = true;
  return module.exports;
}

function run(module, text) {
  const directory = module.filename.slice(0, module.filename.lastIndexOf("/"));
  const require = (specifier) => {
    if (specifier === "zygo") return globalThis.Zygo;
    if (specifier === "zygo:net") return core.loadExtScript("ext:zygo/net.js");
    return requireFile(op_zygo_commonjs_resolve(String(specifier), module.filename));
  };
  require.resolve = (specifier) => op_zygo_commonjs_resolve(String(specifier), module.filename);
  require.cache = {};
  const [body, failure] = core.compileFunction(text, `file://${module.filename}`, undefined, PARAMETERS);
  if (failure !== null) throw failure.thrown;
  body.call(module.exports, module.exports, require, module, module.filename, directory);
}

return { requireFile };
})();
