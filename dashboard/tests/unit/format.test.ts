import { describe, expect, it } from "vitest";

import * as format from "../../src/lib/format";

describe("figures have a unit and few digits", () => {
  it.each([
    [0, "0 ms"], [0.0004, "1 µs"], [0.311, "311 µs"], [0.9949, "995 µs"], [0.996, "1 ms"], [1.234, "1.23 ms"], [12.34, "12.3 ms"],
    [999.4, "999 ms"], [999.6, "1 s"], [30_000, "30 s"], [59_949, "59.9 s"], [90_000, "1 min 30 s"], [3_600_000, "1 h"],
  ])("ms(%f) is %s", (value, text) => expect(format.ms(value)).toBe(text));

  it.each([[0, "0 s"], [999, "0 s"], [61_000, "1 min 1 s"], [90_061_000, "1 d 1 h"], [86_400_000, "1 d"], [86_460_000, "1 d"]])(
    "span(%f) is %s",
    (value, text) => expect(format.span(value)).toBe(text),
  );

  it.each([[0, "0"], [9_999, "9,999"], [12_345, "12.3 k"], [1_234_567, "1.23 M"], [5e9, "5 G"]])(
    "count(%f) is %s",
    (value, text) => expect(format.count(value)).toBe(text),
  );

  it.each([[0, "0 %"], [0.04, "<0.1 %"], [4.25, "4.3 %"], [66.67, "67 %"], [100, "100 %"]])(
    "percent(%f) is %s",
    (value, text) => expect(format.percent(value)).toBe(text),
  );

  it.each([[0, "$0"], [2e-7, "<$0.000001"], [0.0000246, "$0.000025"], [0.5, "$0.50"], [1234.5, "$1,235"]])(
    "usd(%f) is %s",
    (value, text) => expect(format.usd(value)).toBe(text),
  );

  it.each([[0, "0 B"], [1536, "1.5 KB"], [3 * 1024 * 1024, "3 MB"], [2 * 1024 ** 3, "2 GB"]])(
    "bytes(%f) is %s",
    (value, text) => expect(format.bytes(value)).toBe(text),
  );
});

it("times before and after now are told apart", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  expect(format.ago("2026-01-01T11:59:58Z", now)).toBe("now");
  expect(format.ago("2026-01-01T11:30:00Z", now)).toBe("30 min ago");
  expect(format.ago("2026-01-01T14:00:00Z", now)).toBe("in 2 h");
});
