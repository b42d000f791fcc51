export const fromPlain = "plain";
