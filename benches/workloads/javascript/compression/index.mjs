// Compresses a text with gzip and looks whether it comes out again: the web API's streams over the engine's native zlib.
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

export const handler = async (event) => {
  const { text, copies } = event.body;
  const plain = new TextEncoder().encode(text.repeat(copies));
  const compressed = await through(plain, new CompressionStream("gzip"));
  const again = await through(compressed, new DecompressionStream("gzip"));
  const sha256 = hex(await crypto.subtle.digest("SHA-256", again));
  const answer = { plain: plain.length, compressed: compressed.length, sha256 };
  return { statusCode: 200, body: JSON.stringify(answer) };
};
