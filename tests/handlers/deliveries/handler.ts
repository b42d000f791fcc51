// Fails as often as it is told to, and writes what it was given.
export const handler = async (event: any) => {
  const given = event.body ?? event.data ?? {};
  const { attempt } = event.delivery;
  if (attempt <= (given.failures ?? 0)) throw new Error(`not yet: attempt ${attempt}`);
  console.log(`given ${JSON.stringify({ given, attempt, eventType: event.eventType, scheduled: event.scheduledTime })}`);
  return { statusCode: 201, body: { handled: given.number ?? null } };
};
