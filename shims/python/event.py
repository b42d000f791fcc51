"""The event: decoders that skip what `json.loads` does around its scanner. Knows nothing of the wire."""

import json.decoder
import json.scanner

# The decoder's own scanner: it takes a text and a position, and returns the value and the position after it. The
# caller has validated the text, so neither white space after the value nor a second value has to be looked for.
scan = json.scanner.c_make_scanner(json.decoder.JSONDecoder())
