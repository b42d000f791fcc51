// Settings, variables, secrets. Each change is a new version.

import { removeSecret, removeVariable, setSecret, setVariable } from "../../api/endpoints";
import { ms } from "../../lib/format";
import { Section } from "../../components/basics";
import type { TabProps } from "./page";
import { Settings } from "./settings";
import { Variables } from "./variables";

export function Configuration(props: TabProps) {
  const { fn, reload } = props;
  const facts: [string, string][] = [
    ["Handler", fn.handler],
    ["Isolation", fn.isolation === "request" ? "a fresh process for every request" : "instances are used again"],
    ["Forked from", fn.snapshot ? (fn.snapshot.kind === "function" ? `the loaded code, which took ${ms(fn.snapshot.bootMs)}` : "the engine") : "no zygote yet"],
    ["Cannot be forked because of", fn.snapshot?.unforkable?.join(", ") ?? ""],
    ["Custom domain", fn.customDomain ?? ""],
    ["Everyone may invoke it", fn.public ? "yes" : "no"],
    ["Digest", fn.digest],
  ];
  return (
    <div class="columns wide">
      <Settings {...props} />
      <Section title="Facts">
        <dl class="pairs">
          {facts.filter(([, value]) => value !== "").map(([name, value]) => (
            <div key={name}><dt>{name}</dt><dd class="wrap">{value}</dd></div>
          ))}
        </dl>
      </Section>
      <Variables title="Environment" what="variable" names={fn.environment} secret={false} done={reload}
        set={(name, value) => setVariable(fn.id, name, value)} remove={(name) => removeVariable(fn.id, name)} />
      <Variables title="Secrets" what="secret" names={fn.secrets} secret={true} done={reload}
        set={(name, value) => setSecret(fn.id, name, value)} remove={(name) => removeSecret(fn.id, name)} />
    </div>
  );
}
