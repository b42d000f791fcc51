// Fails unless a text came whole, in whichever place it came.
export const handler = async (event: any) => {
  const { text, length } = event.body ?? event.data;
  if (text.length !== length) throw new Error(`${text.length} of ${length} letters came`);
  return { statusCode: 200, body: length };
};
