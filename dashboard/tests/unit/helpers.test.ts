import { expect, it } from "vitest";

import { address } from "../../src/api/client";
import { Events } from "../../src/api/follow";
import type { Point, Role } from "../../src/api/types";
import { diffRows } from "../../src/lib/diff";
import { parse, to } from "../../src/lib/router";
import { ceiling, RANGES, spread, sums } from "../../src/lib/series";
import { holds } from "../../src/lib/session";
import { Turns } from "../../src/lib/turns";

it("addresses hold any name", () => {
  expect(address("/functions/{key}/logs", { key: "a/b?c#d" }, { q: "x y", level: "", since: undefined })).toBe(
    "/functions/a%2Fb%3Fc%23d/logs?q=x+y",
  );
});

it("places are read as they were written", () => {
  for (const path of [[], ["functions"], ["functions", "a b/c%", "logs"]]) expect(parse(to(...path)).path).toEqual(path);
  expect(parse("#/functions/%E0%A4%A").path).toEqual(["functions", "%E0%A4%A"]);
});

it("server-sent events come in any pieces", () => {
  const text = ': hello\n\nid: 1\nevent: log\ndata: {"a":1}\n\ndata: one\ndata: two\r\n\r\nda';
  for (const size of [1, 3, 7, 100]) {
    const events = new Events();
    const found: string[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...events.add(text.slice(at, at + size)));
    expect(found, `pieces of ${size}`).toEqual(['{"a":1}', "one\ntwo"]);
  }
});

const point = (time: string, figures: Partial<Point>) =>
  ({ time, invocations: 0, errors: 0, coldStarts: 0, throttles: 0, p95Duration: 0, ...figures }) as Point;

it("a series has a value for every step, and gaps where nothing was", () => {
  const range = RANGES[0]!;
  const now = Date.parse("2026-01-01T12:00:30Z");
  const points = [point("2026-01-01T12:00:00Z", { invocations: 3 }), point("2026-01-01T11:01:00Z", { invocations: 1 }), point("2026-01-01T10:00:00Z", { invocations: 9 })];
  const { times, values } = spread(points, range, (one) => one.invocations, null, now);
  expect([times.length, values[59], values[0], values[30]]).toEqual([60, 3, 1, null]);
});

it("what a list shows is summed over the points", () => {
  const points = [point("", { invocations: 10, errors: 1, coldStarts: 2, p95Duration: 4 }), point("", { invocations: 30, errors: 1, p95Duration: 2 })];
  expect(sums(points)).toEqual({ invocations: 40, errors: 2, errorRate: 5, coldStartRate: 5, p95: 4, throttles: 0 });
  expect(sums([]).errorRate).toBe(0);
});

it("the top of an axis is round and not below the highest value", () => {
  for (const value of [0.00002, 0.3, 1, 1.1, 7, 99, 101, 12_345]) {
    expect(ceiling(value)).toBeGreaterThanOrEqual(value * 0.999);
    expect(ceiling(value)).toBeLessThanOrEqual(value * 2.6);
  }
  expect([ceiling(0), ceiling(7), ceiling(230)]).toEqual([1, 10, 250]);
});

it("a difference shows changes with what stands around them", () => {
  const before = Array.from({ length: 40 }, (_, at) => `line ${at}`).join("\n");
  const rows = diffRows(before, before.replace("line 20", "another"));
  expect(rows.map((row) => row.kind)).toEqual(["skipped", "same", "same", "same", "removed", "added", "same", "same", "same", "skipped"]);
  expect(rows[4]).toMatchObject({ before: 21, after: null, text: "line 20" });
  expect(rows[5]).toMatchObject({ before: null, after: 21, text: "another" });
  expect(diffRows("", "a\nb").map((row) => row.kind)).toEqual(["added", "added"]);
});

it("roles hold what the platform says that they hold", () => {
  const all: Role[] = ["admin", "deploy", "invoke", "read"];
  const held = all.map((role) => all.filter((needed) => holds(role, needed)).join());
  expect(held).toEqual(["admin,deploy,invoke,read", "deploy,invoke,read", "invoke", "read"]);
});

it("turns let a few work at a time, and all in the end", async () => {
  const turns = new Turns(2);
  let [now, most] = [0, 0];
  const work = async (at: number) => {
    now += 1;
    most = Math.max(most, now);
    await Promise.resolve();
    now -= 1;
    if (at === 3) throw new Error("one fails");
    return at;
  };
  const done = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((at) => turns.take(() => work(at))));
  expect([most, done.filter((one) => one.status === "fulfilled").length]).toEqual([2, 5]);
});
