import { readdirSync, readFileSync } from "node:fs";

import { expect, it } from "vitest";

const LINES_MAX = 300;

const files = ["src", "tests"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|tsx|css)$/.test(name))
    .map((name) => `${folder}/${name}`),
);

it("files are short, and say what they are", () => {
  expect(files.length).toBeGreaterThan(50);
  const wrong = files.filter((file) => {
    const text = readFileSync(file, "utf8");
    const isSilent = !file.includes("/unit/") && !/^(\/\/|\/\*) \S/.test(text);
    return isSilent || text.split("\n").length > LINES_MAX;
  });
  expect(wrong).toEqual([]);
});

it("nothing writes markup, and nothing is styled by an attribute's text", () => {
  const risky = /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|style="/;
  const wrong = files.filter((file) => file.startsWith("src/") && risky.test(readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
});

it("no test waits for a time", () => {
  const wrong = files.filter((file) => file.startsWith("tests/") && !file.includes("/unit/") && /waitForTimeout|test\.only|test\.fixme/.test(readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
});
