export const handler = async (event: any) => {
  const { body } = event;
  const bytes = body instanceof Uint8Array;
  return {
    method: event.method,
    path: event.path,
    query: event.query,
    headers: event.headers,
    requestId: event.requestId,
    kind: bytes ? "bytes" : body === null ? "nothing" : Array.isArray(body) ? "list" : typeof body,
    body: bytes ? [...body] : body,
  };
};
