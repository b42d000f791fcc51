const atLoad = process.env.API_KEY;

export const handler = () => ({ atLoad, environment: { ...process.env } });
