export const handler = async (event: any) => event.body.n;
