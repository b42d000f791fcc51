# PageRank of a directed graph that is made by seed, in plain Ruby.
require "json"

DAMPING = 0.85

def graph(nodes, edges, state)
  Array.new(nodes) do
    Array.new(edges) do
      state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
      one = (state >> 8) % nodes
      state = (state * 1_664_525 + 1_013_904_223) & 0xFFFFFFFF
      two = (state >> 8) % nodes
      # Low numbers are linked to more often, as in real graphs.
      one < two ? one : two
    end
  end
end

def ranks(links, rounds)
  nodes = links.length
  rank = Array.new(nodes, 1.0 / nodes)
  rounds.times do
    following = Array.new(nodes, (1 - DAMPING) / nodes)
    links.each_with_index do |targets, from|
      share = (DAMPING * rank[from]) / targets.length
      targets.each { |target| following[target] += share }
    end
    rank = following
  end
  rank
end

def billionths(value) = (value * 1e9 + 0.5).floor

def handler(event, context)
  nodes, edges, rounds, seed = event["body"].values_at("nodes", "edges", "rounds", "seed")
  rank = ranks(graph(nodes, edges, seed), rounds)
  top = rank.each_index.max_by { |node| [rank[node], -node] }
  # `sum` would compensate for rounding, which the others do not.
  total = rank.inject(0.0) { |all, value| all + value }
  answer = { top: top, rank: billionths(rank[top]), last: billionths(rank[-1]), sum: billionths(total) }
  { statusCode: 200, body: JSON.generate(answer) }
end
