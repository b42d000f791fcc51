// What axe has to say about a page.

import type { Page } from "@playwright/test";
import axe from "axe-core";

export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
    const found = await (window as any).axe.run(document, { runOnly: { type: "tag", values: tags }, preload: false });
    return found.violations.map((one: any) => `${one.impact} ${one.id}: ${one.nodes.map((node: any) => node.html.slice(0, 160)).join(" | ")}`);
  });
}
