export const run = () => "run";
