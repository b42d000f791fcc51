// What is out of bounds, what was, and the bounds.

import { alertRules, listAlerts, setAlertRules } from "../api/endpoints";
import type { Alert, AlertRules } from "../api/types";
import { Action, Badge, Empty, Failure, Section, Table, Waiting } from "../components/basics";
import { ago, ms, percent, span, usd } from "../lib/format";
import { useAction, useLoad } from "../lib/load";
import { tell } from "../lib/notices";
import { to } from "../lib/router";
import { useRefusal } from "../lib/session";

const NAMES: Record<Alert["rule"], string> = {
  errorRate: "Error rate",
  p95Duration: "Duration p95",
  coldStartRate: "Cold start rate",
  costAnomaly: "Cost anomaly",
};

export function Alerts() {
  const { data, error, reload } = useLoad(listAlerts, [], 5_000);
  const firing = data?.alerts.filter((alert) => alert.state === "firing") ?? [];
  return (
    <>
      <header class="page-head"><h1>Alerts {data && <Badge tone={firing.length ? "bad" : "good"}>{firing.length} firing</Badge>}</h1></header>
      {error && <Failure error={error} again={reload} />}
      {!data && !error && <Waiting what="alerts" />}
      {data && data.alerts.length === 0 && <Empty title="No alerts"><p>No function has been out of bounds.</p></Empty>}
      {data && data.alerts.length > 0 && (
        <Table label="Alerts">
          <thead><tr><th scope="col">State</th><th scope="col">Function</th><th scope="col">Rule</th><th scope="col" class="number">Value</th><th scope="col" class="number">Bound</th><th scope="col">Since</th><th scope="col">For</th></tr></thead>
          <tbody>
            {data.alerts.map((alert) => (
              <tr key={alert.id}>
                <td><Badge tone={alert.state === "firing" ? "bad" : "plain"}>{alert.state}</Badge></td>
                <th scope="row" class="name"><a href={to("functions", alert.function)}>{alert.function}</a></th>
                <td>{NAMES[alert.rule]}</td>
                <td class="number">{show(alert.rule, alert.value)}</td>
                <td class="number">{show(alert.rule, alert.threshold)}</td>
                <td class="nowrap">{ago(alert.since)}</td>
                <td class="nowrap">{span((alert.until ? Date.parse(alert.until) : Date.now()) - Date.parse(alert.since))}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      <Rules />
    </>
  );
}

function show(rule: Alert["rule"], value: number): string {
  if (rule === "p95Duration") return ms(value);
  return rule === "costAnomaly" ? usd(value) : percent(value);
}

function Rules() {
  const refusal = useRefusal("admin");
  return refusal ? <Section title="Rules"><p class="quiet">{refusal}</p></Section> : <RuleTable />;
}

function RuleTable() {
  const { data, error, reload } = useLoad(alertRules, []);
  const { busy, error: failed, run } = useAction();
  const turn = (name: keyof AlertRules, rules: AlertRules) =>
    run(async () => {
      const rule = rules[name];
      await setAlertRules({ [name]: { ...rule, enabled: !rule.enabled } });
      tell(`${NAMES[name]}: ${rule.enabled ? "off" : "on"}`);
      reload();
    });
  return (
    <Section title="Rules">
      {(error ?? failed) && <Failure error={(error ?? failed)!} />}
      {data && (
        <Table label="Rules">
          <thead><tr><th scope="col">Rule</th><th scope="col">Fires when</th><th scope="col">State</th><th scope="col"><span class="hidden">Actions</span></th></tr></thead>
          <tbody>
            {(Object.keys(NAMES) as (keyof AlertRules)[]).map((name) => (
              <tr key={name}>
                <th scope="row">{NAMES[name]}</th>
                <td>{meaning(name, data.rules)}</td>
                <td><Badge tone={data.rules[name].enabled ? "good" : "plain"}>{data.rules[name].enabled ? "on" : "off"}</Badge></td>
                <td class="row-actions">
                  <Action needs="admin" busy={busy} act={() => turn(name, data.rules)} label={`Turn ${data.rules[name].enabled ? "off" : "on"}: ${NAMES[name]}`}>
                    {data.rules[name].enabled ? "Turn off" : "Turn on"}
                  </Action>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </Section>
  );
}

function meaning(name: keyof AlertRules, rules: AlertRules): string {
  const over = span(rules[name].windowMs);
  if (name === "errorRate") return `more than ${percent(rules.errorRate.thresholdPercent)} of at least ${rules.errorRate.minInvocations} invocations fail in ${over}`;
  if (name === "p95Duration") return `p95 of at least ${rules.p95Duration.minInvocations} invocations is above ${ms(rules.p95Duration.thresholdMs)} in ${over}`;
  if (name === "coldStartRate") return `more than ${percent(rules.coldStartRate.thresholdPercent)} of at least ${rules.coldStartRate.minInvocations} invocations start cold in ${over}`;
  return `it costs ${rules.costAnomaly.factor} times the usual, and more than ${usd(rules.costAnomaly.floorUsd)}, in ${over}`;
}
