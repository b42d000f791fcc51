export const handler = (event: any, context: any) => {
  if (event.body?.fail) throw new Error("told to");
  return {
    traceparent: context.traceparent,
    tracestate: context.tracestate,
    header: event.headers.traceparent ?? null,
  };
};
