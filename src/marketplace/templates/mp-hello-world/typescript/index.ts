interface Event {
  method: string;
  body?: { name?: string };
}

export const handler = async (event: Event, context: { functionName: string; functionVersion: string }) => {
  const name = event.body?.name ?? "World";
  console.log(`greeting ${name}`);
  return {
    statusCode: 200,
    body: {
      message: `${process.env.GREETING}, ${name}!`,
      function: context.functionName,
      version: context.functionVersion,
    },
  };
};
