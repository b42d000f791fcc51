// PageRank of a directed graph that is made by seed.
const DAMPING = 0.85;

const graph = (nodes, edges, seed) => {
  let state = seed >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8;
  return Array.from({ length: nodes }, () => Array.from({ length: edges }, () => {
    const [one, two] = [next() % nodes, next() % nodes];
    // Low numbers are linked to more often, as in real graphs.
    return Math.min(one, two);
  }));
};

const ranks = (links, rounds) => {
  const nodes = links.length;
  let rank = new Array(nodes).fill(1 / nodes);
  for (let round = 0; round < rounds; round++) {
    const next = new Array(nodes).fill((1 - DAMPING) / nodes);
    for (let from = 0; from < nodes; from++) {
      const share = (DAMPING * rank[from]) / links[from].length;
      for (const to of links[from]) next[to] += share;
    }
    rank = next;
  }
  return rank;
};

export const handler = async (event) => {
  const { nodes, edges, rounds, seed } = event.body;
  const rank = ranks(graph(nodes, edges, seed), rounds);
  const top = rank.reduce((best, value, node) => (value > rank[best] ? node : best), 0);
  const sum = rank.reduce((all, value) => all + value, 0);
  const billionths = (value) => Math.round(value * 1e9);
  const answer = { top, rank: billionths(rank[top]), last: billionths(rank[nodes - 1]), sum: billionths(sum) };
  return { statusCode: 200, body: JSON.stringify(answer) };
};
