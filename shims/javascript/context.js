// The handler's second argument, with the names that Lambda's Node runtime gives it.
"use strict";

(function () {
const { DateNow } = __bootstrap.primordials;

// Set once for a function; every context begins with them.
const fixed = {
  functionName: "",
  functionVersion: "",
  invokedFunctionArn: "",
  memoryLimitInMB: "",
  logGroupName: "",
  logStreamName: "",
};

function setFunction(name, version, memoryLimitMb) {
  fixed.functionName = name;
  fixed.functionVersion = version;
  fixed.invokedFunctionArn = `zygo:${name}:${version}`;
  fixed.memoryLimitInMB = memoryLimitMb;
  fixed.logGroupName = `/zygo/${name}`;
  fixed.logStreamName = version;
}

class Context {
  constructor(requestId, deadline, traceparent, tracestate) {
    this.awsRequestId = requestId;
    this.functionName = fixed.functionName;
    this.functionVersion = fixed.functionVersion;
    this.invokedFunctionArn = fixed.invokedFunctionArn;
    this.memoryLimitInMB = fixed.memoryLimitInMB;
    this.logGroupName = fixed.logGroupName;
    this.logStreamName = fixed.logStreamName;
    this.callbackWaitsForEmptyEventLoop = true;
    this.deadlineMs = deadline;
    // Headers for those whom the handler calls: what they do is then part of the invocation's trace. The state may be
    // null.
    this.traceparent = traceparent;
    this.tracestate = tracestate;
  }

  get requestId() {
    return this.awsRequestId;
  }

  getRemainingTimeInMillis() {
    return Math.max(0, this.deadlineMs - DateNow());
  }
}

return { Context, setFunction };
})();
