// Fails as often as the message asks for, and writes what it was given.
export const handler = async (event: any) => {
  const failures = event.data?.failures ?? 0;
  const { attempt } = event.delivery;
  if (attempt <= failures) throw new Error(`not yet: attempt ${attempt}`);
  console.log(`given ${JSON.stringify(event)}`);
  return { statusCode: 200, body: { attempt } };
};
