$count = 0

def handler(event, context)
  { count: $count += 1 }
end
