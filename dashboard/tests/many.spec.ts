// Five hundred functions: found, turned over, and never all at once in the page.

import { expect, open, test } from "./platform";

const COUNT = 500;
const AT_ONCE = 8;

// Few zygotes, so that the machine holds the functions' files and not their processes.
test.use({ settings: { ZYGO_MAX_ZYGOTES: "16" } });

test("five hundred functions are usable", async ({ dashboard: page, platform }) => {
  test.slow();
  const names = Array.from({ length: COUNT }, (_, at) => `one-of-many-${String(at).padStart(3, "0")}`);
  const rest = [...names];
  const work = async () => {
    for (let name = rest.pop(); name; name = rest.pop()) await platform.deploy(name, "python", "def handler(e, c): return 1\n");
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  let asked = 0;
  page.on("request", (request) => (asked += Number(request.url().includes("/metrics/series"))));

  await open(page, platform, "functions");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Functions 500");
  await expect(page.getByRole("row")).toHaveCount(26);
  await expect(page.getByText("1–25 of 500")).toBeVisible();
  await expect(page.getByRole("img", { name: "0 invocations in the last hour" })).toHaveCount(25);
  expect(asked).toBe(25);
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByRole("link", { name: "one-of-many-025" })).toBeVisible();
  await page.getByLabel("Filter functions").fill("many-487");
  await expect(page.getByRole("row")).toHaveCount(2);
  await page.getByRole("link", { name: "one-of-many-487" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "one-of-many-487" })).toBeVisible();
  await open(page, platform, "");
  await expect(page.getByText("Busiest functions")).toBeVisible();
});
