// What the user's code wants to run around the snapshot that every instance is forked from.
"use strict";

(function () {
const before = [];
const after = [];

const register = (list, name) => (callback) => {
  if (typeof callback !== "function") throw new TypeError(`${name} takes a function`);
  list.push(callback);
};

// In reverse order of registration: what was set up last is torn down first.
async function runBeforeSnapshot() {
  for (const callback of [...before].reverse()) await callback();
}

// In order of registration.
async function runAfterRestore() {
  for (const callback of after) await callback();
}

return {
  afterRestore: register(after, "afterRestore"),
  beforeSnapshot: register(before, "beforeSnapshot"),
  runAfterRestore: () => (after.length === 0 ? undefined : runAfterRestore()),
  runBeforeSnapshot: () => (before.length === 0 ? undefined : runBeforeSnapshot()),
};
})();
