# The puma peer with a framework.
require "sinatra/base"

class Hello < Sinatra::Base
  get("/") { "hello\n" }
end

run Hello
