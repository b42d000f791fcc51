# Lines that do nothing.
#
#
#
#
def fail_deeply
  raise ArgumentError, "from the depth"
end
