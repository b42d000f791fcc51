export const run = () => "not this one";
