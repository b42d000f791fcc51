export const handler = (event: any, _context: any, callback: (error: unknown, value?: unknown) => void) => {
  setTimeout(() => (event.body.fail ? callback(new Error("called back")) : callback(null, "called back")), 1);
};
