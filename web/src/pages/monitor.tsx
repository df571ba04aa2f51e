// One monitor: what is wrong and what to do, how fast it answers, what the last check saw, and its past.

import { useEffect } from "preact/hooks";
import { useLoaded } from "../api/loading";
import { type Range, checkNow, lastGoodCheck, monitorDetails, removeMonitor, setStatus } from "../api/monitors";
import type { Check, Details } from "../api/types";
import { useLiveMonitor } from "../live/monitor";
import { CertificateShown } from "../parts/certificate";
import { CopyMonitor } from "../parts/copy_monitor";
import { useKeys } from "../parts/keys";
import { LastCheck } from "../parts/last_check";
import { Moment, Since } from "../parts/moment";
import { attempt, later, say } from "../parts/notices";
import { Alerts, Checks, Incidents } from "../parts/past";
import { Problem } from "../parts/problem";
import { ResponseChart } from "../parts/response_chart";
import { StandingMark } from "../parts/standing";
import { go, query, withQuery } from "../routing";
import { mayPause, mayWrite } from "../session";
import { certificateOf, diagnosticsOf } from "../words/checks";
import { endpointOf, standingOf } from "../words/monitors";
import { duration, percent } from "../words/plain";

const RANGES: readonly (readonly [Range, string])[] = [
  ["day", "24 hours"],
  ["week", "7 days"],
  ["month", "30 days"],
  ["year", "1 year"],
];

export function MonitorPage(props: { id: string }) {
  const range = RANGES.find(([name]) => name === query.value.get("range"))?.[0] ?? "day";
  const details = useLoaded((signal) => monitorDetails(props.id, range, signal), [props.id, range]);
  useLiveMonitor(props.id, details);
  const newest = details.value?.testResultLog[0] ?? null;
  const goodHere = details.value?.testResultLog.find((check) => check.status === "success") ?? null;
  const goodBefore = useLoaded<Check | null>(
    async (signal) => (newest !== null && goodHere === null ? lastGoodCheck(props.id, signal) : null),
    [props.id, newest !== null && goodHere === null],
  );
  const name = details.value?.monitor.name;
  useEffect(() => {
    if (name) document.title = `${name} · mailprobe`;
  }, [name]);
  const checkIt = (): void => void attempt(async () => (await checkNow(props.id), say("Checking now …")));
  useKeys([{ key: "t", does: "Check now", act: checkIt }]);

  if (!details.value) return <Problem problem={details.problem} again={details.again} />;
  const { monitor, uptimeStats } = details.value;
  const certificate = details.value.testResultLog.map(certificateOf).find((each) => each !== null) ?? null;
  return (
    <>
      <p>
        <a href="/">← Monitors</a>
      </p>
      <div class="heading">
        <h1>{monitor.name}</h1>
        <StandingMark standing={standingOf(monitor)} />
        <p class="faint">{endpointOf(monitor)}</p>
        <Actions id={props.id} details={details.value} again={details.again} checkIt={checkIt} />
      </div>
      <Problem problem={details.problem} again={details.again} />
      <Verdict details={details.value} newest={newest} />
      <dl class="figures" aria-label="Uptime">
        {(["day", "week", "month", "quarter"] as const).map((span) => (
          <div key={span}>
            <dt>Uptime {{ day: "24 h", week: "7 d", month: "30 d", quarter: "90 d" }[span]}</dt>
            <dd>{percent(uptimeStats[span])}</dd>
          </div>
        ))}
        <div>
          <dt>Checked</dt>
          <dd>
            <Moment at={monitor.lastCheckedAt} none="not yet" />
          </dd>
        </div>
        <div>
          <dt>Every</dt>
          <dd>{duration(monitor.checkInterval * 60_000)}</dd>
        </div>
      </dl>
      <h2>Response time</h2>
      <div class="choices" role="group" aria-label="Time shown">
        {RANGES.map(([each, words]) => (
          <button key={each} type="button" aria-pressed={each === range} onClick={() => go(withQuery({ range: each === "day" ? null : each }), { replace: true })}>
            {words}
          </button>
        ))}
      </div>
      <ResponseChart range={range} details={details.value} />
      <div class="columns">
        <section>
          <h2>Last check</h2>
          {newest ? <LastCheck check={newest} good={goodHere ?? goodBefore.value} /> : <p class="faint">No checks yet; the first one follows within seconds.</p>}
        </section>
        <section>
          <h2>Certificate</h2>
          {certificate ? <CertificateShown certificate={certificate} /> : <p class="faint">No certificate was seen in the last checks.</p>}
        </section>
      </div>
      <h2>Incidents</h2>
      <Incidents incidents={details.value.incidents} />
      <h2>Messages sent</h2>
      <Alerts alerts={details.value.alerts} />
      <h2>Checks</h2>
      <Checks monitorId={props.id} newest={details.value.testResultLog} />
    </>
  );
}

/** What is wrong in a sentence, the server's own words, and what to do next. */
function Verdict(props: { details: Details; newest: Check | null }) {
  const { monitor, maintenance } = props.details;
  const standing = standingOf(monitor);
  if (standing === "paused") return <p class="verdict calm">This monitor is paused: it is not checked, and nobody is told anything.</p>;
  const failed = props.details.testResultLog.find((check) => check.status === "failure");
  const seen = monitor.health !== "up" && failed ? diagnosticsOf(failed) : null;
  return (
    <>
      {monitor.health === "up" && (
        <p>
          All is well, for <Since at={monitor.healthSince} />.
        </p>
      )}
      {monitor.health === "unknown" && !monitor.healthMessage && <p class="verdict calm">Nothing is known yet: {props.newest ? "no check of late told anything about the mail server." : "the first check is on its way."}</p>}
      {monitor.health !== "up" && monitor.healthMessage && (
        <div class={`verdict ${monitor.health}`}>
          <p>
            <strong>{monitor.healthMessage}</strong> For <Since at={monitor.healthSince} />.
          </p>
          {seen?.serverWords && (
            <p>
              The server said: <q class="words">{seen.serverWords}</q>
            </p>
          )}
          {seen?.hint && <p>What to do: {seen.hint}</p>}
        </div>
      )}
      {maintenance.inMaintenance && <p class="verdict calm">Maintenance: it is checked, and nobody is told of what fails.</p>}
      {monitor.warnings.map((warning) => (
        <p key={warning.code} class="warning">
          {warning.text}
        </p>
      ))}
    </>
  );
}

function Actions(props: { id: string; details: Details; again: () => void; checkIt: () => void }) {
  const { monitor } = props.details;
  const paused = monitor.status === "disabled";
  const turn = (status: typeof monitor.status, text: string): Promise<boolean> =>
    attempt(async () => {
      const before = monitor.status;
      await setStatus(props.id, status);
      props.again();
      say(text, () => void attempt(async () => (await setStatus(props.id, before), props.again())));
    });
  const remove = (): void => {
    go("/");
    later(`${monitor.name} was deleted.`, () => removeMonitor(props.id), () => go(`/monitors/${props.id}`));
  };
  return (
    <div class="actions">
      {!paused && mayWrite() && (
        <button type="button" onClick={props.checkIt}>
          Check now
        </button>
      )}
      {mayPause() && (
        <button type="button" onClick={() => void turn(paused ? "active" : "disabled", paused ? `${monitor.name} is checked again.` : `${monitor.name} is paused.`)}>
          {paused ? "Resume" : "Pause"}
        </button>
      )}
      {mayWrite() && (
        <>
          <a class="button" href={`/monitors/${props.id}/edit`}>
            Change
          </a>
          <CopyMonitor monitor={monitor} />
          <button type="button" onClick={remove}>
            Delete
          </button>
        </>
      )}
    </div>
  );
}
