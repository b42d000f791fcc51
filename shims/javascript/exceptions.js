// Tells the engine how to make the errors that native operations name: without this, such an operation would throw
// `undefined`.
"use strict";

(function () {
const { core } = globalThis.__bootstrap;
const { DOMException, QuotaExceededError } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

// What the web's standards call a DOMException with this name.
const DOM_EXCEPTIONS = [
  "AbortError", "ConstraintError", "DataCloneError", "DataError", "EncodingError", "HierarchyRequestError",
  "IndexSizeError", "InUseAttributeError", "InvalidAccessError", "InvalidCharacterError", "InvalidModificationError",
  "InvalidNodeTypeError", "InvalidStateError", "NamespaceError", "NetworkError", "NoModificationAllowedError",
  "NotAllowedError", "NotFoundError", "NotReadableError", "NotSupportedError", "OperationError", "ReadOnlyError",
  "SecurityError", "SyntaxError", "TimeoutError", "TransactionInactiveError", "TypeMismatchError", "UnknownError",
  "VersionError", "WrongDocumentError",
];

// What the operating system and the native libraries report.
const SYSTEM_ERRORS = [
  "AddrInUse", "AddrNotAvailable", "AlreadyExists", "BrokenPipe", "Busy", "ConnectionAborted",
  "ConnectionRefused", "ConnectionReset", "FilesystemLoop", "Http", "InvalidData", "IsADirectory",
  "NetworkUnreachable", "NotADirectory", "NotConnected", "NotFound", "NotSupported", "PermissionDenied",
  "TimedOut", "UnexpectedEof", "WouldBlock", "WriteZero",
];

function register(name, builder) {
  try {
    core.registerErrorBuilder(name, builder);
  } catch {
    // The engine's core has one for this name already.
  }
}

for (const name of DOM_EXCEPTIONS) {
  register(`DOMException${name}`, (message) => new DOMException(message, name));
}
register("DOMExceptionQuotaExceededError", (message) => new QuotaExceededError(message));
// The classes of the system's errors, by name, for whoever hands them to functions.
const { BadResource, Interrupted, NotCapable } = core;
const errors = { BadResource, Interrupted, NotCapable };
for (const name of SYSTEM_ERRORS) {
  errors[name] = {
    [name]: class extends Error {
      constructor(message, options) {
        super(message, options);
        this.name = name;
      }
    },
  }[name];
  register(name, (message) => new errors[name](message));
}

return { errors };
})();
