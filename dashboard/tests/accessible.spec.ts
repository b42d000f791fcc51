// Every page, light and dark and narrow: no violation that axe knows of, and nothing that has to be scrolled sideways.

import { violations } from "./axe";
import { furnish, PLACES } from "./places";
import { expect, open, test } from "./platform";

for (const scheme of ["light", "dark"] as const) {
  test(`no page violates WCAG AA, ${scheme}`, async ({ dashboard: page, platform }) => {
    await furnish(platform);
    await page.emulateMedia({ colorScheme: scheme });
    for (const [place, waits] of PLACES) {
      await open(page, platform, place);
      await expect(page.getByText(waits).first()).toBeVisible();
      expect(await violations(page), `${place}, ${scheme}`).toEqual([]);
    }
    await open(page, platform, "functions/sample/test");
    await page.getByRole("button", { name: "Invoke" }).click();
    await expect(page.getByTestId("answer")).toBeVisible();
    expect(await violations(page), `the answer of a test, ${scheme}`).toEqual([]);
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    expect(await violations(page), `a dialog, ${scheme}`).toEqual([]);
  });
}

test("no page is wider than a telephone", async ({ dashboard: page, platform }) => {
  await furnish(platform);
  await page.setViewportSize({ width: 375, height: 720 });
  for (const [place, waits] of PLACES) {
    await open(page, platform, place);
    await expect(page.getByText(waits).first()).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), place).toBeLessThanOrEqual(375);
    if (place.startsWith("functions/")) await expect(page.locator(".tabs [aria-current]"), place).toBeInViewport();
  }
});

test("the theme that is chosen stays, whatever the system says", async ({ dashboard: page, platform }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, platform);
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await expect(page.getByLabel("Theme")).toBeVisible();
  const light = await back();
  await page.getByLabel("Theme").selectOption("dark");
  const dark = await back();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect(page.getByLabel("Theme")).toHaveValue("dark");
  expect(await back()).toBe(dark);
});
