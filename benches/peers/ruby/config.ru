# The puma peer.
run ->(_environment) { [200, { "content-type" => "text/plain", "content-length" => "6" }, ["hello\n"]] }
