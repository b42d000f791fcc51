// Renders a page with a table: template literals, escaping.
const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text) => text.replace(/[&<>"]/g, (character) => ESCAPES[character]);

function* randoms(seed) {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 8;
  }
}

const row = (index, random) => {
  const cents = random.next().value % 100000;
  const name = `item <${random.next().value % 1000}> & "${index}"`;
  return `<tr><td>${index}</td><td>${escape(name)}</td><td>${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}</td></tr>`;
};

const page = (title, rows) => `<!doctype html>
<html><head><title>${escape(title)}</title></head>
<body><h1>${escape(title)}</h1>
<table>
${rows.join("\n")}
</table></body></html>
`;

export const handler = async (event) => {
  const { title, rows, seed } = event.body;
  const random = randoms(seed);
  const body = page(title, Array.from({ length: rows }, (_, index) => row(index, random)));
  return { statusCode: 200, headers: { "content-type": "text/html; charset=utf-8" }, body };
};
