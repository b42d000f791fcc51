require "openssl"
require "securerandom"
require "tmpdir"

# Every source is used before the fork too: what a generator keeps ready must not be served twice.
USED = [rand, Random.rand, SecureRandom.hex, OpenSSL::Random.random_bytes(16), Random.bytes(16)].freeze

def handler(event:, context:)
  {
    pid: Process.pid,
    rand: rand,
    random: Random.rand,
    fresh: Random.new.rand,
    seed: Random.new_seed.to_s,
    bytes: Random.bytes(16).unpack1("H*"),
    urandom: Random.urandom(16).unpack1("H*"),
    hex: SecureRandom.hex(16),
    uuid: SecureRandom.uuid,
    openssl: OpenSSL::Random.random_bytes(16).unpack1("H*"),
  }
end
