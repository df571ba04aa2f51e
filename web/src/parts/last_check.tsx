// The newest check in all its detail, beside the last one that passed.

import type { Check } from "../api/types";
import { diagnosticsOf, failedIn } from "../words/checks";
import { milliseconds } from "../words/plain";
import { Moment } from "./moment";
import { Phases } from "./phases";

export function LastCheck(props: { check: Check; good: Check | null }) {
  const { check } = props;
  const seen = diagnosticsOf(check);
  const good = props.good && props.good.id !== check.id ? props.good : null;
  const before = good && diagnosticsOf(good);
  return (
    <>
      <p>
        <Moment at={check.checkedAt} /> from {check.locationName || "an unknown location"}
        {seen.address && ` to ${seen.address}`}: {check.status === "success" ? "passed" : "failed"} in {milliseconds(check.timingImapPop)}
        {seen.withheld && ", without logging in: a refused password is tried rarely, so that no account is locked"}.
      </p>
      <Phases
        of={{ phasesMs: seen.phasesMs, failedIn: failedIn(check) }}
        than={before ? { phasesMs: before.phasesMs, failedIn: null } : null}
        thanWords="Last good"
      />
      {good && (
        <p class="hint">
          The last good check was <Moment at={good.checkedAt} /> and took {milliseconds(good.timingImapPop)}
          {before && before.address !== seen.address && seen.address && before.address && `, at another address (${before.address})`}.
        </p>
      )}
      {seen.transcript && (
        <details open>
          <summary>What was said</summary>
          <pre class="words">{seen.transcript}</pre>
        </details>
      )}
    </>
  );
}
