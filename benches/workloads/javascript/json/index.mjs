// Reads a list of orders, sums it up by customer, writes the sums, several times.
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const summary = (text) => {
  const customers = {};
  for (const order of JSON.parse(text)) {
    const sum = (customers[order.customer] ??= { customer: order.customer, orders: 0, items: 0, cents: 0 });
    sum.orders += 1;
    for (const { count, cents } of order.items) {
      sum.items += count;
      sum.cents += count * cents;
    }
  }
  const sums = Object.values(customers).sort((one, two) => (one.customer < two.customer ? -1 : 1));
  return JSON.stringify(sums);
};

export const handler = async (event) => {
  const { orders, rounds } = event.body;
  let text = "";
  for (let round = 0; round < rounds; round++) text = summary(orders);
  const sha256 = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return { statusCode: 200, body: JSON.stringify({ customers: JSON.parse(text).length, sha256 }) };
};
