let count = 0;

export const handler = () => ({ count: ++count });
