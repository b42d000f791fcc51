console.log("at load");

export const handler = (event: any) => {
  console.log("plain", { a: 1 }, [2]);
  console.debug("debug");
  console.warn("warn");
  console.error("error");
  console.log("two\nlines");
  console.log("snow ☃");
  if (event.body?.fail) throw new Error("after the logs");
  return event.body?.long ? console.log("x".repeat(100_000)) : null;
};
