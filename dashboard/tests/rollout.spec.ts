// A part of the calls on another version, begun, looked at, taken back and promoted by hand.

import { LANGUAGES } from "./languages";
import { expect, open, test } from "./platform";

for (const language of LANGUAGES) {
  test(`a rollout in ${language.label} from its beginning to its end`, async ({ dashboard: page, platform }) => {
    await platform.deploy("roll", language.runtime, language.code(1));
    const staged = await platform.call("POST", "/functions/roll/versions", { code: language.code(2) });
    expect(staged.body.version.version).toBe(2);
    await open(page, platform, "functions/roll/versions");
    const section = page.getByRole("region", { name: "Rollout" });
    await section.getByLabel("Percent of the calls").fill("100");
    await section.getByRole("button", { name: "Begin" }).click();
    await expect(section.getByText("100 % of the calls go to version 2.")).toBeVisible();
    for (let call = 0; call < 3; call++) {
      const answer = await platform.call("POST", "/functions/roll/invoke", { name: "x" });
      expect(answer.body.body).toEqual({ answer: 2 });
    }
    await expect(section.getByRole("row", { name: "v2 candidate 3" })).toBeVisible();
    await section.getByRole("button", { name: "End" }).click();
    await expect(section.getByRole("button", { name: "Begin" })).toBeVisible();
    expect((await platform.call("POST", "/functions/roll/invoke", { name: "x" })).body.body).toEqual({ answer: 1 });

    await section.getByRole("button", { name: "Begin" }).click();
    await section.getByRole("button", { name: "Promote" }).click();
    await expect(page.getByTestId("version")).toHaveText("v2");
    expect((await platform.call("POST", "/functions/roll/invoke", { name: "x" })).body.body).toEqual({ answer: 2 });
  });
}
