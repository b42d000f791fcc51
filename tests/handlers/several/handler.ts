// Invocations that meet: what the module keeps is shared by all that run in one process.
const met = new Map<string, { count: number; open: () => void; opened: Promise<void> }>();

function place(name: string) {
  let found = met.get(name);
  if (found === undefined) {
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    found = { count: 0, open, opened };
    met.set(name, found);
  }
  return found;
}

// Resolves once so many have come there.
function meet(name: string, of: number): Promise<void> {
  const here = place(name);
  here.count += 1;
  if (here.count >= of) here.open();
  return here.opened;
}

async function* pieces(body, name: string) {
  for (let round = 0; round < 3; round++) {
    await meet(`${name}-${round}`, 2);
    console.log(`${body.own} gives ${round}`);
    yield `${body.own}${round}`;
  }
}

async function* endless() {
  try {
    for (;;) yield "x".repeat(64 * 1024);
  } finally {
    console.log("endless has ended");
  }
}

async function* large(mib: number) {
  for (let sent = 0; sent < mib * 16; sent++) yield "x".repeat(64 * 1024);
}

export const handler = async (event, context) => {
  const { body } = event;
  switch (body.do) {
    case "meet":
      console.log(`${body.own} has come`);
      await meet("all", body.of);
      await new Promise((resolve) => setTimeout(resolve, 1));
      console.log(`${body.own} goes`);
      return { pid: process.pid, requestId: context.awsRequestId };
    case "stay":
      console.log(`${body.own} stays`);
      await meet("never", Infinity);
      break;
    case "nap":
      await new Promise((resolve) => setTimeout(resolve, body.ms));
      break;
    case "echo":
      return { pid: process.pid, own: body.own, text: body.text };
    case "fail":
      throw new TypeError(`of ${body.own}`);
    case "crash":
      process.exit(3);
    case "stream":
      return pieces(body, "stream");
    case "endless":
      return endless();
    case "large":
      return large(body.mib);
  }
  return { pid: process.pid };
};
